"""CSV tables of boxes in the three common forms, their refusals, and what else is no such table."""

import pytest

from msa_backbone.data.detection.check import check_detection_data
from msa_backbone.data.detection.find import find_detection_data

ROBOFLOW = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
BOX = [4, 5, 20, 14]


def objects(data, split="train"):
    """Image, class and box of every object."""
    content, image_dir = data.splits[split].content, data.splits[split].image_dir
    files = {
        image["id"]: str((image_dir / image["file_name"]).relative_to(data.root))
        for image in content["images"]
    }
    names = {category["id"]: category["name"] for category in content["categories"]}
    return [
        (files[r["image_id"]], names[r["category_id"]], r["bbox"]) for r in content["annotations"]
    ]


@pytest.mark.parametrize("name", ["{0}/_annotations.csv", "{0}_labels.csv", "annotations/{0}.csv"])
def test_tables_of_roboflow_and_tensorflow(folder, name):
    for split, stem in (("train", "a"), ("valid", "b")):
        folder.image(f"{split}/{stem}.jpg")
        rows = f"{stem}.jpg,64,48,dog,4,5,24,19\n{stem}.jpg,64,48, ant,4,5,24,19\n"
        folder.write(name.format(split), ROBOFLOW + rows)
    before = folder.files()
    data = find_detection_data(folder.root)
    assert (data.format, data.classes) == ("csv", ("ant", "dog"))
    assert objects(data) == [("train/a.jpg", "dog", BOX), ("train/a.jpg", "ant", BOX)]
    assert objects(data, "val") == [("valid/b.jpg", "dog", BOX), ("valid/b.jpg", "ant", BOX)]
    assert check_detection_data(data) == []
    assert folder.files() == before


def test_a_table_without_a_header_whose_images_may_be_empty(folder):
    for name in "ab":
        folder.image(f"images/{name}.jpg")
    folder.write("annotations.csv", "images/a.jpg,4,5,24,19,dog\nimages/b.jpg,,,,,\n")
    folder.write("classes.csv", "dog,0\n")
    data = find_detection_data(folder.root)
    assert objects(data) == [("images/a.jpg", "dog", BOX)]
    assert "train: 2 images, 1 objects, 1 images without one" in data.notes


def test_open_images_names_and_fractions(folder):
    folder.image("train/0123abcd.jpg")
    folder.image("validation/4567abcd.jpg")
    head = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf\n"
    for split, name in (("train", "0123abcd"), ("validation", "4567abcd")):
        row = f"{name},xclick,/m/01,1,0.0625,0.375,0.125,0.5,0\n"
        folder.write(f"{split}-annotations-bbox.csv", head + row)
    folder.write("class-descriptions-boxable.csv", "/m/01,Night owl\n")
    data = find_detection_data(folder.root)
    assert data.classes == ("Night owl",)
    assert objects(data) == [("train/0123abcd.jpg", "Night owl", [4, 6, 20, 18])]
    assert objects(data, "val") == [("validation/4567abcd.jpg", "Night owl", [4, 6, 20, 18])]
    assert check_detection_data(data) == []


def test_semicolons_and_a_byte_order_mark(folder):
    folder.image("a.jpg")
    folder.write("boxes.csv", "\ufefffilename;class;xmin;ymin;xmax;ymax\na.jpg;dog;4;5;24;19\n")
    assert objects(find_detection_data(folder.root)) == [("a.jpg", "dog", BOX)]


def test_a_stated_size_is_compared_with_the_image(folder, refusal):
    folder.image("a.jpg")
    folder.write("boxes.csv", ROBOFLOW + "a.jpg,48,64,dog,4,5,24,19\n")
    message = refusal(check_detection_data, find_detection_data(folder.root))
    assert "a.jpg is 64 x 48" in message


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.jpg,64,48,dog,4,5,24\n", "line 3: has 7 cells, too few"),
        ("a.jpg,64,48,dog,4,5,x,19\n", "line 3: is no class with four numbers"),
        ("a.jpg,64,48,dog,4,5,nan,19\n", "line 3: is no class with four numbers"),
        ("a.jpg,64,48,,4,5,24,19\n", "line 3: is no class with four numbers"),
        (",64,48,dog,4,5,24,19\n", "line 3: names no image"),
    ],
)
def test_bad_rows_are_refused_with_file_and_line(folder, refusal, row, message):
    folder.image("a.jpg")
    folder.write("boxes.csv", ROBOFLOW + "a.jpg,64,48,dog,4,5,24,19\n" + row)
    assert f"boxes.csv: {message}" in refusal(find_detection_data, folder.root)


def test_two_tables_and_a_missing_train_table_are_refused(folder, refusal):
    folder.image("a.jpg")
    folder.write("val.csv", ROBOFLOW + "a.jpg,64,48,dog,4,5,24,19\n")
    assert "there is no train table beside" in refusal(find_detection_data, folder.root)
    folder.write("train_a.csv", ROBOFLOW)
    folder.write("train_b.csv", ROBOFLOW)
    message = refusal(find_detection_data, folder.root)
    assert "train_b.csv: a second train table beside" in message


def test_a_name_that_several_images_have_is_refused(folder, refusal):
    folder.image("x/a.jpg")
    folder.image("y/a.jpg")
    folder.write("tables/boxes.csv", ROBOFLOW + "a.jpg,64,48,dog,4,5,24,19\n")
    message = refusal(find_detection_data, folder.root)
    assert "image 'a.jpg' may be" in message and "x/a.jpg or" in message


def test_a_split_without_boxes_is_left_aside(folder):
    folder.image("a.jpg")
    folder.write("train.csv", ROBOFLOW + "a.jpg,64,48,dog,4,5,24,19\n")
    folder.write("test.csv", ROBOFLOW)
    data = find_detection_data(folder.root)
    assert data.splits.keys() == {"train"}
    assert any(note.startswith("test left aside") for note in data.notes)


def test_another_encoding_is_refused_and_other_tables_are_named(folder, refusal):
    folder.image("a.jpg")
    folder.write("boxes.csv", ROBOFLOW + "a.jpg,64,48,dog,4,5,24,19\n")
    folder.write("scores.csv", "name,score\na,1\n")
    assert "not used: scores.csv" in find_detection_data(folder.root).notes
    text = (folder.root / "boxes.csv").read_text().replace("dog", "Kätzchen")
    (folder.root / "boxes.csv").write_bytes(text.encode("latin-1"))
    assert "boxes.csv: is no text in UTF-8" in refusal(find_detection_data, folder.root)
