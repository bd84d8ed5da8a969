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


HEAD = "filename,class,xmin,ymin,xmax,ymax"


def test_an_empty_first_line_is_refused_before_boxes_alone(folder, refusal):
    folder.image("a.jpg")
    folder.write("prices.csv", "\nitem;price\ntea;3\n")
    folder.write("blank.csv", "\n \n")
    folder.write("train.csv", ROBOFLOW + "a.jpg,64,48,dog,4,5,24,19\n")
    data = find_detection_data(folder.root)
    assert {"not used: prices.csv", "not used: blank.csv"} <= set(data.notes)
    for delimiter in ",;":
        table = f"\n\n{ROBOFLOW}a.jpg,64,48,dog,4,5,24,19\n"
        folder.write("train.csv", table.replace(",", delimiter))
        assert refusal(find_detection_data, folder.root).endswith(
            "train.csv: line 1 is empty; remove it"
        )


@pytest.mark.parametrize("column", ["split", "Set", "subset"])
def test_a_column_shares_the_rows_out_among_the_splits(folder, column):
    words = {"a": "train", "b": "TRAIN", "c": "Validation", "d": "test"}
    for name in words:
        folder.image(f"{name}.jpg")
    rows = [f"{n}.jpg,cat,1,{i},9,19,{w}" for i, (n, w) in enumerate(words.items())]
    folder.write("boxes.csv", "\n".join([f"{HEAD},{column}", *rows]))
    splits = find_detection_data(folder.root).splits
    found = {
        name: {
            image["file_name"]: record["bbox"]
            for image, record in zip(s.content["images"], s.content["annotations"], strict=True)
        }
        for name, s in splits.items()
    }
    assert found == {
        "train": {"a.jpg": [1, 0, 8, 19], "b.jpg": [1, 1, 8, 18]},
        "val": {"c.jpg": [1, 2, 8, 17]},
        "test": {"d.jpg": [1, 3, 8, 16]},
    }


def test_a_column_that_is_no_split_s_is_refused_or_passed_over(folder, refusal):
    folder.image("a.jpg")
    folder.image("b.jpg")
    folder.write("boxes.csv", f"{HEAD},split\na.jpg,cat,1,1,9,9,train\nb.jpg,cat,1,1,9,9,\n")
    message = refusal(find_detection_data, folder.root)
    assert "boxes.csv: line 3: '' in column split is no split" in message
    folder.write("boxes.csv", f"{HEAD},set\na.jpg,cat,1,1,9,9,zoo\nb.jpg,cat,1,1,9,9,wild\n")
    splits = find_detection_data(folder.root).splits
    assert {name: len(s.content["images"]) for name, s in splits.items()} == {"train": 2}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_tables_as_excel_saves_them(folder, encoding):
    folder.image("a.jpg")
    folder.image("b.jpg")
    text = f"{HEAD}\na.jpg,Kätzchen,1,2,9,9\nb.jpg,Kätzchen,3,4,9,9\n".replace(",", "\t")
    (folder.root / "boxes.csv").write_bytes(text.encode(encoding))
    data = find_detection_data(folder.root)
    assert data.classes == ("Kätzchen",)
    boxes = [record["bbox"] for record in data.splits["train"].content["annotations"]]
    assert boxes == [[1, 2, 8, 7], [3, 4, 6, 5]]


def test_groups_of_open_images_are_crowds(folder):
    head = "ImageID,LabelName,XMin,XMax,YMin,YMax,IsOccluded,IsGroupOf"
    for name in "ab":
        folder.image(f"{name}.jpg")
    rows = ["a,cat,0.25,0.5,0.5,1,1,0", "a,cat,0,1,0,1,0,1", "b,cat,0.5,1,0.5,1,0,-1"]
    folder.write("train.csv", "\n".join([head, *rows]))
    data = find_detection_data(folder.root)
    records = data.splits["train"].content["annotations"]
    assert [(r["bbox"], r["iscrowd"]) for r in records] == [
        ([16, 24, 16, 24], 0), ([0, 0, 64, 48], 1), ([32, 24, 32, 24], 0)
    ]  # fmt: skip
    assert "groups in one box (IsGroupOf), which become crowds: 1" in data.notes


def test_the_table_of_auto_ml(folder, refusal):
    words = {"a": "TRAIN", "b": "VALIDATION", "c": "TEST"}
    rows = []
    for name, word in words.items():
        folder.image(f"images/{name}.jpg")
        rows.append(f"{word},gs://bucket/images/{name}.jpg,cat,0.25,0.5,,,0.5,1.0,,")
    folder.write("export.csv", "\n".join(rows))
    splits = find_detection_data(folder.root).splits
    assert {name: s.content["annotations"][0]["bbox"] for name, s in splits.items()} == {
        name: [16, 24, 16, 24] for name in ("train", "val", "test")
    }
    assert splits["val"].content["images"][0]["file_name"] == "b.jpg"
    folder.edit("export.csv", "VALIDATION", "UNASSIGNED")
    message = refusal(find_detection_data, folder.root)
    assert "line 2: 'unassigned' in column 0 is no split" in message


def test_fractions_that_are_rounded_beyond_the_edge_are_fractions(folder):
    folder.image("a.jpg")
    rows = "a.jpg,cat,0.25,0.5,0.5,1.02\na.jpg,cat,0.25,0.25,0.75,0.75\n"
    folder.write("train.csv", f"filename,class,xmin,ymin,xmax,ymax\n{rows}")
    records = find_detection_data(folder.root).splits["train"].content["annotations"]
    assert [record["bbox"] for record in records] == [
        pytest.approx([16, 24, 16, 24.96]),
        [16, 12, 32, 24],
    ]


def test_images_of_one_name_in_the_folders_of_the_splits(folder):
    for split in ("train", "test"):
        folder.image(f"{split}/0.jpg")
        row = "filename,class,xmin,ymin,xmax,ymax\n0.jpg,cat,4,5,24,19\n"
        folder.write(f"{split}_labels.csv", row)
    data = find_detection_data(folder.root)
    for split in ("train", "test"):
        (image,) = data.splits[split].content["images"]
        assert data.splits[split].image_dir / image["file_name"] == folder.root / split / "0.jpg"
