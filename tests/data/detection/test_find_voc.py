"""VOC folders as tools write them: the splits, their lists, and which image an xml file means."""

import unicodedata

import pytest

from msa_backbone.data.detection.find import find_detection_data


def listed(data) -> dict[str, list[str]]:
    """The images of every split."""
    return {
        name: [image["file_name"] for image in split.content["images"]]
        for name, split in data.splits.items()
    }


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("Train", "Validation", "Test"),
        ("TRAIN", "VAL", "TEST"),
        ("training", "valid", "testing"),
    ],
)
def test_lists_in_any_case_and_spelling(folder, train, val, test):
    folder.voc("JPEGImages", "Annotations", ["a", "b", "c", "d"])
    for name, names in ((train, ["a", "b"]), (val, ["c"]), (test, ["d"])):
        folder.voc_list(".", name, names)
        folder.voc_list(".", f"cat_{name}", [f"{line}  1" for line in names])
    expected = {"train": ["a.jpg", "b.jpg"], "val": ["c.jpg"], "test": ["d.jpg"]}
    assert listed(find_detection_data(folder.root)) == expected


def test_endings_and_folders_in_any_case(folder):
    folder.voc("jpegimages", "ANNOTATIONS", ["a", "b"])
    folder.write("imagesets/MAIN/TRAIN.TXT", "a\n")
    assert listed(find_detection_data(folder.root)) == {"train": ["a.jpg"]}
    (folder.root / "ANNOTATIONS/a.xml").rename(folder.root / "ANNOTATIONS/a.XML")
    (folder.root / "imagesets/MAIN/TRAIN.TXT").unlink()
    assert listed(find_detection_data(folder.root)) == {"train": ["a.jpg", "b.jpg"]}


def test_two_lists_of_a_split_are_refused(folder, refusal):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    folder.voc_list(".", "train", ["a"])
    folder.voc_list(".", "Train", ["b"])
    message = refusal(find_detection_data, folder.root)
    assert "train.txt: a second train list beside " in message and "move one away" in message


def test_test_images_are_never_trained_on(folder, refusal):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    folder.voc_list(".", "Test", ["a"])
    message = refusal(find_detection_data, folder.root)
    assert "train.txt: there is no train split beside" in message


def test_lists_of_other_names_are_no_splits(folder):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    folder.voc_list(".", "default", ["a", "b"])  # CVAT's, of a task without subsets
    data = find_detection_data(folder.root)
    assert listed(data) == {"train": ["a.jpg", "b.jpg"]}
    assert any("every xml is for training" in note for note in data.notes)


@pytest.mark.parametrize(
    "line",
    [
        *("a", "a 1", "a -1", "a  0", "a.jpg", "a.xml", "data/obj/a.jpg", "JPEGImages/a"),
        *("./JPEGImages/a.jpg ./Annotations/a.xml", "D:\\data\\a.jpg", "A.JPG"),
    ],
)
def test_lines_of_lists(folder, line):
    folder.voc("JPEGImages", "Annotations", ["a", "b c"])
    folder.voc_list(".", "train", [line, "b c"])
    assert listed(find_detection_data(folder.root)) == {"train": ["a.jpg", "b c.jpg"]}


def test_lines_that_name_no_xml_are_counted_and_listed(folder, refusal):
    folder.voc("JPEGImages", "Annotations", ["a"])
    folder.voc_list(".", "train", ["x", "a", "y", "a"])
    assert refusal(find_detection_data, folder.root).endswith("; 2 more like it")
    split = find_detection_data(folder.root, spoilt=True).splits["train"]
    assert [line.split(": lists ")[1].split(";")[0] for line in split.unread] == [
        "'x', which has no xml file",
        "'y', which has no xml file",
        "'a' twice",
    ]
    assert [image["file_name"] for image in split.content["images"]] == ["a.jpg"]


def test_a_test_list_without_xml_files_is_left_aside(folder, refusal):
    folder.voc("VOC2012/JPEGImages", "VOC2012/Annotations", ["a", "b"])
    for split, names in (("train", ["a"]), ("val", ["b"]), ("test", ["x", "y"])):
        folder.voc_list("VOC2012", split, names)
    data = find_detection_data(folder.root)
    assert listed(data) == {"train": ["a.jpg"], "val": ["b.jpg"]}
    path = folder.root / "VOC2012/ImageSets/Main/test.txt"
    assert data.unlabelled == {"test": path}
    assert f"test is left aside: no image of {path} has an xml file" in data.notes
    folder.voc_list("VOC2012", "val", ["x"])
    assert "val.txt: lists 'x', which has no xml file" in refusal(find_detection_data, folder.root)


def test_an_image_beside_the_xml_files_is_none_of_them(folder):
    folder.voc(".", ".", ["a", "b"])
    folder.image("x.jpg")
    for split, names in (("train", ["a", "b"]), ("test", ["x"])):
        folder.voc_list(".", split, names)
    data = find_detection_data(folder.root)
    assert listed(data) == {"train": ["a.jpg", "b.jpg"]} and "test" in data.unlabelled


@pytest.mark.parametrize(
    ("images", "xmls"),
    [
        ("{}", "{}"),  # Roboflow
        ("{}/images", "{}/labels"),
        ("{}/images", "{}/annotations"),
        ("images/{}", "annotations/{}"),
        ("JPEGImages/{}", "Annotations/{}"),
    ],
)
@pytest.mark.parametrize("words", [("train", "valid", "test"), ("Train", "Val", "Test")])
def test_a_folder_for_every_split(folder, images, xmls, words):
    labels = dict(zip(words, ("cat", "dog", "cat"), strict=True))
    for word, names in zip(words, (["1", "2"], ["3"], ["4"]), strict=True):
        folder.voc(images.format(word), xmls.format(word), names, label=labels[word])
    data = find_detection_data(folder.root)
    expected = {"train": ["1.jpg", "2.jpg"], "val": ["3.jpg"], "test": ["4.jpg"]}
    assert listed(data) == expected and data.classes == ("cat", "dog")
    for word, (name, split) in zip(words, data.splits.items(), strict=True):
        assert split.image_dir == folder.root / images.format(word)
        content = split.content
        ids = {category["id"]: category["name"] for category in content["categories"]}
        assert {ids[r["category_id"]] for r in content["annotations"]} == {labels[word]}, name
        assert all(record["bbox"] == [4, 4, 20, 20] for record in content["annotations"])


def test_a_test_folder_of_images_alone_is_left_aside(folder):
    folder.voc("train", "train", ["1", "2"])
    folder.image("test/3.jpg")
    data = find_detection_data(folder.root)
    assert listed(data) == {"train": ["1.jpg", "2.jpg"]}
    assert data.unlabelled == {"test": folder.root / "test"}


def test_two_folders_of_a_split_are_refused(folder, refusal):
    for word in ("train", "val", "valid"):
        folder.voc(word, word, [f"{word}1"])
    assert "valid: a second val folder beside " in refusal(find_detection_data, folder.root)


@pytest.mark.parametrize(
    ("image", "xml"),
    [
        ("IMG_1.jpg", "img_1"),
        ("img_1.Jpg", "img_1"),
        (unicodedata.normalize("NFD", "\u00e9.jpg"), "\u00e9"),
        ("other.png", "x"),  # by the filename that the xml states
    ],
)
def test_the_image_of_an_xml_file(folder, image, xml):
    folder.image(f"JPEGImages/{image}")
    folder.voc("elsewhere", "Annotations", [xml])
    path = folder.root / f"Annotations/{xml}.xml"
    stated = "<annotation><filename>D:\\photos\\other.png</filename>"
    path.write_text(path.read_text().replace("<annotation>", stated))
    assert listed(find_detection_data(folder.root)) == {"train": [image]}


def test_two_images_for_an_xml_file(folder, refusal):
    folder.voc("JPEGImages", "Annotations", ["a"])
    folder.image("JPEGImages/a.png")
    assert listed(find_detection_data(folder.root)) == {"train": ["a.jpg"]}
    folder.edit("Annotations/a.xml", "<annotation>", "<annotation><filename>a.png</filename>")
    assert listed(find_detection_data(folder.root)) == {"train": ["a.png"]}
    for old, new in (("a.jpg", "A.jpg"), ("a.png", "A.PNG")):
        (folder.root / "JPEGImages" / old).rename(folder.root / "JPEGImages" / new)
    message = refusal(find_detection_data, folder.root)
    assert f"its image may be {folder.root}/JPEGImages/A.jpg or " in message


def test_spoilt_xml_files_and_objects_are_all_listed(folder, refusal):
    folder.voc("JPEGImages", "Annotations", ["a", "b", "c"])
    folder.edit("Annotations/a.xml", "</annotation>", "")
    folder.edit("Annotations/b.xml", "<name>cat</name>", "")
    assert refusal(find_detection_data, folder.root).endswith("; 1 more like it")
    split = find_detection_data(folder.root, spoilt=True).splits["train"]
    assert "a.xml: not valid XML" in split.unread[0]
    assert "b.xml: object 0 has no name; add it" in split.unread[1]
    assert [image["file_name"] for image in split.content["images"]] == ["b.jpg", "c.jpg"]
    assert [record["image_id"] for record in split.content["annotations"]] == [3]


@pytest.mark.parametrize(
    "name", ["training_set.txt", "cat_train.txt", "trainset.txt", "train2017.txt"]
)
def test_lists_by_other_names_are_refused(name, folder, refusal):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    folder.write(f"ImageSets/Main/{name}", "a\n")
    assert "name the lists train.txt" in refusal(find_detection_data, folder.root)


def test_lists_of_segmentation_serve_boxes_too(folder):
    folder.voc("JPEGImages", "Annotations", ["a", "b", "c"])
    folder.write("ImageSets/Segmentation/train.txt", "a\n")
    folder.write("ImageSets/Segmentation/test.txt", "b\nc\n")
    splits = find_detection_data(folder.root).splits
    assert [len(split.content["images"]) for split in splits.values()] == [1, 2]


def test_a_word_that_only_begins_like_a_split_is_none(folder):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    folder.write("values.txt", "1\n")
    folder.write("ImageSets/valley.txt", "a\n")
    assert listed(find_detection_data(folder.root)) == {"train": ["a.jpg", "b.jpg"]}


@pytest.mark.parametrize("place", ["", "ImageSets/Main/"])
def test_trainval_is_without_what_val_and_test_list(folder, place):
    folder.voc("JPEGImages", "Annotations", ["a", "b", "c", "d"])
    for split, names in {"trainval": "abc", "val": "c", "test": "d"}.items():
        folder.write(f"{place}{split}.txt", "".join(f"{name}\n" for name in names))
    data = find_detection_data(folder.root)
    assert {n: [i["file_name"] for i in s.content["images"]] for n, s in data.splits.items()} == {
        "train": ["a.jpg", "b.jpg"], "val": ["c.jpg"], "test": ["d.jpg"]
    }  # fmt: skip
    assert "(trainval.txt without what the others list)" in data.notes[0]


@pytest.mark.parametrize("images", ["JPEGImages", "images"])
def test_images_in_folders_of_splits_share_out_xml_files_of_one_folder(folder, images, refusal):
    """As LLVIP and many a school's data set have it."""
    folder.voc(f"{images}/train", "Annotations", ["a", "b"])
    folder.voc(f"{images}/Validation", "Annotations", ["c"])
    folder.voc("elsewhere", "Annotations", ["lost"])
    data = find_detection_data(folder.root)
    assert listed(data) == {"train": ["a.jpg", "b.jpg"], "val": ["c.jpg"]}
    boxes = [a["bbox"] for a in data.splits["val"].content["annotations"]]
    assert boxes == [[4, 4, 20, 20]]
    assert "xml files without an image in a split: 1, first lost.xml" in data.notes
    folder.image(f"{images}/train/c.png")
    message = refusal(find_detection_data, folder.root)
    assert "Annotations/c.xml: " in message and "give each image a name of its own" in message


def in_folders(data) -> dict[str, list[str]]:
    return {
        name: [
            (split.image_dir / image["file_name"]).relative_to(data.root).as_posix()
            for image in split.content["images"]
        ]
        for name, split in data.splits.items()
    }


@pytest.mark.parametrize(
    ("images", "xmls"),
    [
        ("JPEGImages", "Annotations/{}"),  # all images in one folder
        ("images", "labels/{}"),
        ("{}", "annotations"),  # all xml files in one
        ("{}", "Annotations/{}"),
        ("{}/images", "{}/xml"),
    ],
)
def test_splits_of_images_or_of_xml_files_alone(folder, images, xmls):
    for split, names in (("train", ["a", "b"]), ("test", ["c"])):
        folder.voc(images.format(split), xmls.format(split), names)
    assert in_folders(find_detection_data(folder.root)) == {
        split: [f"{images.format(split)}/{name}.jpg" for name in names]
        for split, names in (("train", "ab"), ("test", "c"))
    }


def test_one_split_by_two_words(folder):
    folder.voc("images/train", "annotations/train", ["a"])
    folder.voc("images/val", "annotations/validation", ["b"])
    found = in_folders(find_detection_data(folder.root))
    assert found == {"train": ["images/train/a.jpg"], "val": ["images/val/b.jpg"]}


def test_the_ending_of_the_image_may_stand_in_the_xml_s_name(folder):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    for name in ("a", "b"):
        path = folder.root / f"Annotations/{name}.xml"
        path.rename(path.with_name(f"{name}.jpg.xml"))
    assert listed(find_detection_data(folder.root)) == {"train": ["a.jpg", "b.jpg"]}


def test_turned_boxes_of_rolabelimg_are_called_by_name(folder, refusal):
    folder.voc("JPEGImages", "Annotations", ["a"])
    folder.edit("Annotations/a.xml", "<bndbox>", "<robndbox><cx>9</cx></robndbox><other>")
    folder.edit("Annotations/a.xml", "</bndbox>", "</other>")
    message = refusal(find_detection_data, folder.root)
    assert "a.xml: object 0 is a turned box (robndbox), which is not read; write" in message
