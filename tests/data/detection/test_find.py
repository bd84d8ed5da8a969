"""Finding detection data: every accepted layout and every refusal."""

import json

import pytest

from msa_backbone.data.detection.find import LAYOUTS, find_detection_data


@pytest.mark.parametrize(
    ("train_json", "val_json", "train_dir", "val_dir"),
    [
        ("annotations/instances_train.json", "annotations/instances_val.json", "images", "images"),
        ("annotations/instances_train2017.json", "annotations/instances_val2017.json",
         "train2017", "val2017"),
        ("annotations/instances_train2017.json", "annotations/instances_val2017.json",
         "images/train2017", "images/val2017"),
        ("annotations/train.json", "annotations/val.json", "images/train", "images/val"),
        ("annotations/train.json", "annotations/valid.json", "train", "valid"),
        ("annotations/cells_train_v2.json", "annotations/cells_validation.json",
         "images", "images/val"),
        ("annotations/instances_Train.json", "annotations/instances_Validation.json",
         "images/Train", "images/Validation"),
        ("train/_annotations.coco.json", "valid/_annotations.coco.json", "train", "valid"),
    ],
)  # fmt: skip
def test_coco_layouts(folder, train_json, val_json, train_dir, val_dir):
    contents = {
        "train": folder.coco(train_json, train_dir, ["a.jpg", "sub/b.jpg"]),
        "val": folder.coco(val_json, val_dir, ["c.jpg"], label=1),
    }
    before = folder.files()
    data = find_detection_data(folder.root)
    assert (data.root, data.format, data.classes) == (folder.root, "coco", ("cat", "dog"))
    assert {name: split.content for name, split in data.splits.items()} == contents
    train, val = data.splits["train"], data.splits["val"]
    assert train.ann_file == train.source == folder.root / train_json
    assert val.ann_file == val.source == folder.root / val_json
    assert (train.image_dir, val.image_dir) == (folder.root / train_dir, folder.root / val_dir)
    assert any(train_json in note and val_json in note for note in data.notes)
    assert "train: 2 images, 2 objects" in data.notes
    assert "val: 1 images, 1 objects" in data.notes
    assert "classes without a training object: dog" in data.notes
    assert folder.files() == before


@pytest.mark.parametrize(
    "path",
    [
        *("annotations.json", "annotations/instances.json", "annotations/instances_all.json"),
        *("annotations/instances_default.json", "result.json", "_annotations.coco.json"),
    ],
)
def test_a_lone_coco_json_is_train(folder, path):
    folder.coco(path, "images", ["a.jpg"])
    splits = find_detection_data(folder.root).splits
    assert {name: split.ann_file for name, split in splits.items()} == {"train": folder.root / path}


def test_annotation_id_0_is_raised_since_pycocotools_cannot_match_it(folder):
    content = folder.coco("annotations.json", "images", ["a.jpg", "b.jpg"])
    for record in content["annotations"]:
        record["id"] -= 1
    folder.write("annotations.json", json.dumps(content))
    split = find_detection_data(folder.root).splits["train"]
    assert [record["id"] for record in split.content["annotations"]] == [1, 2]
    assert split.ann_file is None  # so that an index is written and scored
    assert split.source == folder.root / "annotations.json"


def test_instances_all_and_other_tasks_are_not_used(folder):
    for name in ("instances_train", "instances_all", "captions_train", "person_keypoints_val"):
        folder.coco(f"annotations/{name}.json", "images", ["a.jpg"])
    folder.write("annotations/image_info_test2017.json", "{}")
    data = find_detection_data(folder.root)
    assert data.splits.keys() == {"train"}
    assert data.splits["train"].ann_file.name == "instances_train.json"
    assert "not used: instances_all.json" in data.notes


def test_coco_classes_keep_the_order_of_the_json(folder):
    folder.coco("annotations.json", "images", ["a.jpg"], classes=("dog", "cat", "ant"))
    assert find_detection_data(folder.root).classes == ("dog", "cat", "ant")
    data = find_detection_data(folder.root, classes=("ant", "cat"))
    assert data.classes == ("cat", "ant")
    assert "train: 1 images, 0 objects, 1 images without one" in data.notes
    assert "dropped: 1 training objects of other classes" in data.notes


@pytest.mark.parametrize("base", ["VOC2007", "VOC2012", "VOCdevkit/VOC2012", "."])
def test_voc_layouts(folder, base):
    folder.voc(f"{base}/JPEGImages", f"{base}/Annotations", ["a", "b"], label="dog")
    folder.voc(f"{base}/JPEGImages", f"{base}/Annotations", ["c"], label="cat")
    for split, names in (("train", ["a", "b"]), ("val", ["c"]), ("trainval", ["a", "b", "c"])):
        folder.voc_list(base, split, names)
    before = folder.files()
    data = find_detection_data(folder.root)
    assert (data.format, data.classes) == ("voc", ("cat", "dog"))
    assert data.splits.keys() == {"train", "val"}
    train = data.splits["train"]
    assert train.source == folder.root / base / "ImageSets" / "Main" / "train.txt"
    assert (train.image_dir, train.ann_file) == (folder.root / base / "JPEGImages", None)
    assert [image["file_name"] for image in train.content["images"]] == ["a.jpg", "b.jpg"]
    assert "2 classes, in sorted order: cat, dog" in data.notes
    assert "classes without a training object: cat" in data.notes
    assert "train: 2 images, 2 objects" in data.notes
    assert folder.files() == before


@pytest.mark.parametrize(
    ("images", "xmls"), [("JPEGImages", "Annotations"), ("images", "annotations"), (".", ".")]
)
def test_voc_without_lists_is_all_train(folder, images, xmls):
    folder.voc(images, xmls, ["b", "a"], suffix=".png")
    data = find_detection_data(folder.root)
    assert data.splits.keys() == {"train"}
    train = data.splits["train"]
    assert (train.source, train.image_dir) == (folder.root / xmls, folder.root / images)
    assert [image["file_name"] for image in train.content["images"]] == ["a.png", "b.png"]
    assert any("every xml is for training" in note for note in data.notes)


def test_voc_trainval_alone_is_train(folder):
    folder.voc("VOC2007/JPEGImages", "VOC2007/Annotations", ["a", "b"])
    folder.voc_list("VOC2007", "trainval", ["a"])
    folder.voc_list("VOC2007", "test", ["b"])
    data = find_detection_data(folder.root)
    assert data.splits.keys() == {"train", "test"}
    assert data.splits["train"].source.name == "trainval.txt"


def test_voc_classes_take_the_given_order_and_drop_the_others(folder):
    for name in ("ant", "bee", "cat"):
        folder.voc("images", "annotations", [name], label=name)
    data = find_detection_data(folder.root, classes=("cat", "ant"))
    assert data.classes == ("cat", "ant")
    content = data.splits["train"].content
    assert content["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "ant"}]
    assert [(r["image_id"], r["category_id"]) for r in content["annotations"]] == [(1, 2), (3, 1)]
    assert len(content["images"]) == 3
    assert "2 classes, as given: cat, ant" in data.notes
    assert "dropped: 1 training objects of other classes" in data.notes


def test_missing_empty_and_foreign_folders_are_refused(folder, refusal):
    assert "nowhere: no such folder" in refusal(find_detection_data, folder.root / "nowhere")
    assert "an empty folder" in refusal(find_detection_data, folder.root)
    folder.image("images/a.jpg")
    message = refusal(find_detection_data, folder.root)
    assert "1 images but no labels; add the annotations of the boxes" in message
    assert message.endswith("which --help lists")
    for name in ("COCO", "VOC", "YOLO", "CVAT", "labelme", "Label Studio", "CSV"):
        assert name in message and name in LAYOUTS


def test_images_that_cannot_be_found_are_refused(folder, refusal):
    folder.coco("annotations/instances_train.json", "images", ["a.jpg", "b.jpg"])
    (folder.root / "images" / "b.jpg").unlink()
    found = find_detection_data(folder.root).splits["train"]
    assert found.image_dir == folder.root / "images"  # the check names what is missing there
    (folder.root / "images" / "a.jpg").unlink()
    message = refusal(find_detection_data, folder.root)
    assert "instances_train.json: image 'a.jpg' is in none of the folders" in message
    assert "images/train" in message and "put it in images/" in message


def test_two_files_for_a_split_are_refused(folder, refusal):
    for year in (2014, 2017):
        folder.coco(f"annotations/instances_train{year}.json", "images", ["a.jpg"])
    message = refusal(find_detection_data, folder.root)
    assert "instances_train2017.json: a second train file" in message and "move one" in message


def test_a_missing_train_split_is_refused(folder, refusal):
    folder.coco("annotations/instances_val.json", "images", ["a.jpg"])
    message = refusal(find_detection_data, folder.root)
    assert "instances_train.json: there is no train split beside" in message
    assert "add this file" in message


@pytest.mark.parametrize(
    ("classes", "label", "name", "what"),
    [
        (("dog", "cat"), 0, "dog", "(another order)"),
        (("dog", "cat"), 1, "cat", "(another order)"),
        (("dog",), 0, "dog", "(other categories)"),
        (("bird", "cat"), 1, "cat", "(other categories)"),  # no object is a bird
    ],
)
def test_coco_categories_are_matched_to_trains_by_name(folder, classes, label, name, what):
    train = folder.coco("annotations/train.json", "images", ["a.jpg"])
    folder.coco("annotations/val.json", "images", ["b.jpg"], classes=classes, label=label)
    data = find_detection_data(folder.root)
    assert data.classes == ("cat", "dog")
    split = data.splits["val"]
    assert split.ann_file is None and split.content["categories"] == train["categories"]
    (record,) = split.content["annotations"]
    names = {category["id"]: category["name"] for category in train["categories"]}
    assert names[record["category_id"]] == name
    assert f"val: categories matched to train.json's by name {what}" in data.notes
    aside = "val: categories that train.json lacks left aside: bird"
    assert (aside in data.notes) == ("bird" in classes)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("bird", "cat"), "val.json: has 1 objects of 'bird', which train.json does not list; "),
        (("Cat", "dog"), "1 objects of 'Cat', which train.json does not list (it has 'cat'); "),
        ((7, "cat"), "val.json: class 7 is listed twice or not text; rename it"),
    ],
)
def test_objects_of_a_class_that_train_lacks_are_refused(folder, refusal, classes, message):
    folder.coco("annotations/train.json", "images", ["a.jpg"])
    folder.coco("annotations/val.json", "images", ["b.jpg"], classes=classes)
    assert message in refusal(find_detection_data, folder.root)


@pytest.mark.parametrize("kind", ["coco", "voc"])
def test_bad_choices_of_classes_are_refused(folder, refusal, kind):
    if kind == "coco":
        folder.coco("annotations.json", "images", ["a.jpg"], classes=("cat", "dog"))
    else:
        folder.voc("images", "annotations", ["a"])
        folder.voc("images", "annotations", ["b"], label="dog")
    message = refusal(find_detection_data, folder.root, ("cat", "cow"))
    assert "has no class 'cow'; choose among cat, dog" in message
    message = refusal(find_detection_data, folder.root, ("cat", "cat"))
    assert "class 'cat' is chosen twice; name it once" in message


@pytest.mark.parametrize(("second", "message"), [("cat", "class 'cat'"), (7, "class 7")])
def test_bad_class_names_are_refused(folder, refusal, second, message):
    folder.coco("annotations.json", "images", ["a.jpg"], classes=("cat", second))
    text = refusal(find_detection_data, folder.root)
    assert f"annotations.json: {message} is listed twice or not text; rename it" in text


def test_two_voc_years_are_refused(folder, refusal):
    for year in ("VOC2007", "VOC2012"):
        folder.voc(f"{year}/JPEGImages", f"{year}/Annotations", ["a"])
    first, second = folder.root / "VOC2007", folder.root / "VOC2012"
    assert f"give {first} or {second}" in refusal(find_detection_data, folder.root)
    assert find_detection_data(second).root == second


def test_bccd_is_found(bccd):
    data = find_detection_data(bccd)
    assert (data.format, data.classes) == ("voc", ("Platelets", "RBC", "WBC"))
    assert data.notes[-3:] == (
        "train: 205 images, 2805 objects",
        "val: 87 images, 1138 objects",
        "test: 72 images, 945 objects",
    )


def test_coco128_is_found(coco128):
    data = find_detection_data(coco128)
    assert (data.format, len(data.classes), data.classes[0]) == ("coco", 80, "person")
    counts = ("train: 104 images, 807 objects, 2 images without one", "val: 24 images, 132 objects")
    assert data.notes[-2:] == counts
    assert any(note.startswith("classes without") and " tv" in note for note in data.notes)
