"""COCO folders as tools write them: the splits' names, unlabelled tests, spoilt records."""

import json
import os
import shutil

import pytest

from msa_backbone.data.detection.check import check_detection_data
from msa_backbone.data.detection.find import find_detection_data


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("annotations/instances_Train.json", "annotations/instances_Validation.json",
         "annotations/instances_Test.json"),
        ("annotations/TRAIN.json", "annotations/Valid.json", "annotations/testing.json"),
        ("annotations/trainval.json", None, "annotations/test.json"),
        ("annotations/training.json", "annotations/val.json", "annotations/test2017.json"),
        ("Train/_annotations.coco.json", "Valid/_annotations.coco.json",
         "TEST/_annotations.coco.json"),
    ],
)  # fmt: skip
def test_names_of_splits_in_any_case_and_spelling(folder, train, val, test):
    for path, name in ((train, "a.jpg"), (val, "b.jpg"), (test, "c.jpg")):
        if path:
            image_dir = "images" if "annotations/" in path else path.partition("/")[0]
            folder.coco(path, image_dir, [name])
    found = {
        name: [image["file_name"] for image in split.content["images"]]
        for name, split in find_detection_data(folder.root).splits.items()
    }
    expected = {"train": ["a.jpg"], "val": ["b.jpg"], "test": ["c.jpg"]}
    assert found == {name: files for name, files in expected.items() if val or name != "val"}


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_jsons_in_root_are_coco_where_their_content_is(folder, case):
    folder.coco(case("train") + ".json", "images", ["a.jpg"])
    folder.coco(case("instances_val") + ".json", "images", ["b.jpg"])
    folder.write("other_test.json", '{"shapes": [], "imagePath": "a.jpg"}')
    splits = find_detection_data(folder.root).splits
    assert {name: split.ann_file.name for name, split in splits.items()} == {
        "train": case("train") + ".json",
        "val": case("instances_val") + ".json",
    }


@pytest.mark.parametrize("path", ["Annotations/Instances_Train.JSON", "labels.json", "COCO.json"])
def test_folders_and_endings_in_any_case(folder, path):
    folder.coco(path, "data", ["a.jpg", "b.jpg"])  # FiftyOne calls its folders labels and data
    split = find_detection_data(folder.root).splits["train"]
    assert split.source == folder.root / path
    paths = [split.image_dir / image["file_name"] for image in split.content["images"]]
    assert paths == [folder.root / "data/a.jpg", folder.root / "data/b.jpg"]


def test_trainval_beside_its_parts_is_not_used(folder):
    for split, names in (("train", ["a.jpg"]), ("val", ["b.jpg"]), ("trainval", ["a.jpg"])):
        folder.coco(f"annotations/{split}.json", "images", names)
    data = find_detection_data(folder.root)
    assert data.splits.keys() == {"train", "val"} and "not used: trainval.json" in data.notes


@pytest.mark.parametrize("dropped", [("annotations",), ("annotations", "categories"), ()])
def test_a_test_split_without_annotations_is_left_aside(folder, dropped):
    for split in ("train", "val"):
        folder.coco(f"annotations/{split}.json", split, [f"{split}.jpg"])
    content = folder.coco("annotations/test.json", "test", ["test.jpg"])
    content["annotations"] = []
    for key in dropped:
        del content[key]
    folder.write("annotations/test.json", json.dumps(content))
    data = find_detection_data(folder.root)
    assert data.splits.keys() == {"train", "val"}
    assert data.unlabelled == {"test": folder.root / "annotations/test.json"}
    assert "test is left aside: test.json has no annotations" in data.notes
    assert check_detection_data(data) == []


@pytest.mark.parametrize("split", ["train", "val"])
def test_other_splits_need_their_annotations(folder, refusal, split):
    for name in ("train", "val"):
        content = folder.coco(f"annotations/{name}.json", name, [f"{name}.jpg"])
        if name == split:
            del content["annotations"]
            folder.write(f"annotations/{name}.json", json.dumps(content))
    message = refusal(find_detection_data, folder.root)
    assert f"{split}.json: has no list 'annotations'; export it as COCO" in message


def test_other_ids_in_val_are_matched_by_the_order_of_the_names(folder):
    folder.coco("annotations/train.json", "images", ["a.jpg"])
    content = folder.coco("annotations/val.json", "images", ["b.jpg"], label=1)
    content["categories"] = [{"id": 11, "name": "cat"}, {"id": 10, "name": "dog"}]
    content["annotations"][0]["category_id"] = 10
    folder.write("annotations/val.json", json.dumps(content))
    split = find_detection_data(folder.root).splits["val"]
    names = {category["id"]: category["name"] for category in split.content["categories"]}
    assert names[split.content["annotations"][0]["category_id"]] == "dog"
    assert list(names.values()) == ["cat", "dog"]


def test_all_spoilt_records_are_listed_and_the_others_read(folder, refusal):
    names = [f"{index}.jpg" for index in range(8)]
    content = folder.coco("annotations.json", "images", names)
    images, records = content["images"], content["annotations"]
    images[0] = "0.jpg"
    images[1]["file_name"] = 5
    del images[2]["id"]
    images[3]["id"] = [3]
    records[4]["category_id"] = {}
    records[5]["image_id"] = None
    records[6]["iscrowd"] = "no"
    records[7]["id"] = True
    records.append(7)
    content["categories"].append({"id": 12})
    folder.write("annotations.json", json.dumps(content))
    message = refusal(find_detection_data, folder.root)
    assert message.endswith(
        "annotations.json: images[0] is no record but '0.jpg'; export it again; 9 more like it"
    )
    split = find_detection_data(folder.root, spoilt=True).splits["train"]
    start = f"{folder.root}/annotations.json: "
    assert [line.removeprefix(start) for line in split.unread] == [
        "images[0] is no record but '0.jpg'; export it again",
        "images[1]: 'file_name' is no text; correct it",
        "images[2] has no 'id'; add it",
        "images[3]: 'id' is no number or text; correct it",
        "categories[2] has no 'name'; add it",
        "annotations[4]: 'category_id' is no number or text; correct it",
        "annotations[5] has no 'image_id'; add it",
        "annotations[6]: 'iscrowd' is not 0 or 1; correct it",
        "annotations[7]: 'id' is no number or text; correct it",
        "annotations[8] is no record but '7'; export it again",
    ]
    files = [image["file_name"] for image in split.content["images"]]
    assert files == names[4:] and split.ann_file is None
    # The objects of an image that is left out go with it, where its id is known.
    assert [record["image_id"] for record in split.content["annotations"]] == [0, 2, 3]


@pytest.mark.parametrize(
    ("encoding", "message"),
    [("latin-1", "is in another encoding than UTF-8 (byte 0xfc at "), ("utf-16", None)],
)
def test_a_json_in_another_encoding(folder, refusal, encoding, message):
    content = folder.coco("annotations.json", "images", ["h\u00fchn.jpg"])
    text = json.dumps(content, ensure_ascii=False)
    (folder.root / "annotations.json").write_bytes(text.encode(encoding))
    if message:
        said = refusal(find_detection_data, folder.root)
        assert f"annotations.json: {message}" in said and said.endswith("; save it as UTF-8")
    else:
        found = find_detection_data(folder.root).splits["train"].content
        assert found["images"][0]["file_name"] == "h\u00fchn.jpg"


def test_text_that_is_not_utf8_inside_a_mask_is_a_malformed_mask(folder):
    content = folder.coco("annotations.json", "images", ["a.jpg"])
    content["annotations"][0]["segmentation"] = {"size": [48, 64], "counts": "h\u00fchn"}
    text = json.dumps(content, ensure_ascii=False)
    (folder.root / "annotations.json").write_bytes(text.encode("latin-1"))
    data = find_detection_data(folder.root)
    assert check_detection_data(data) == []  # boxes are trained on all the same


def test_another_folders_image_of_the_same_name_is_no_partner(folder):
    names = ["camA/1.jpg", "camB/1.jpg"]
    folder.coco("annotations/instances_train.json", "images", names)
    (folder.root / "images" / names[0]).unlink()
    split = find_detection_data(folder.root).splits["train"]
    assert [image["file_name"] for image in split.content["images"]] == names  # one is missing


def test_splits_without_images_are_left_aside(folder):
    folder.coco("annotations/instances_train.json", "images", ["a.jpg", "b.jpg"])
    folder.coco("annotations/instances_val.json", "images", [])
    data = find_detection_data(folder.root)
    assert list(data.splits) == ["train"]
    assert any("val is left aside" in note and "has no image" in note for note in data.notes)


def test_what_a_system_puts_beside_a_json_is_no_second_one(folder):
    folder.coco("annotations/instances_train.json", "images", ["a.jpg", "b.jpg"])
    folder.write("annotations/._instances_train.json", "\0\5\26\7")
    assert len(find_detection_data(folder.root).splits["train"].content["images"]) == 2


def files_of(data, split):
    found = data.splits[split]
    names = (image["file_name"] for image in found.content["images"])
    return sorted(os.path.relpath(found.image_dir / name, data.root) for name in names)


def test_a_json_of_something_else_is_no_annotation_file(folder):
    folder.voc("images", "annotations", ["a", "b"])
    folder.write("annotations/labels.json", '["cat"]')
    folder.write("labels.json", '{"0": "cat"}')
    folder.write("annotations/train_meta.json", '{"images": 2, "date": "today"}')
    folder.write("result.json", '[{"annotations": [], "images": []}]')
    assert find_detection_data(folder.root).format == "voc"


@pytest.mark.parametrize(
    ("stem", "split"),
    [
        ("crash-test_{}", "{}"),
        ("{}", "{}"),
        ("instances_{}2017", "{}"),
        ("test_bench_{}_v2", "{}"),
    ],
)
def test_the_last_word_of_a_name_is_its_split(folder, stem, split):
    for word in ("train", "val"):
        folder.coco(f"annotations/{stem.format(word)}.json", "images", [f"{word}.jpg"])
    data = find_detection_data(folder.root)
    assert {name: files_of(data, name) for name in data.splits} == {
        "train": ["images/train.jpg"],
        "val": ["images/val.jpg"],
    }


def test_a_split_in_root_completes_those_in_annotations(folder):
    folder.coco("annotations/train.json", "images", ["a.jpg"])
    folder.coco("val.json", "images", ["b.jpg"])
    folder.coco("train.json", "images", ["c.jpg"])
    data = find_detection_data(folder.root)
    assert {name: files_of(data, name) for name in data.splits} == {
        "train": ["images/a.jpg"],
        "val": ["images/b.jpg"],
    }


@pytest.mark.parametrize("word", ["Train", "train"])
def test_images_of_one_name_in_folders_of_the_splits_in_any_case(folder, word):
    for split in (word, "Test"):
        folder.coco(f"Annotations/instances_{split}.json", f"Images/{split}", ["0.jpg", "1.jpg"])
    data = find_detection_data(folder.root)
    assert files_of(data, "train") == [f"Images/{word}/0.jpg", f"Images/{word}/1.jpg"]
    assert files_of(data, "test") == ["Images/Test/0.jpg", "Images/Test/1.jpg"]


def test_val_never_gets_train_s_images_by_their_names(folder, refusal):
    folder.coco("annotations/train.json", "images/train", ["0.jpg", "1.jpg"])
    folder.coco("annotations/val.json", "images/val", ["0.jpg"])
    shutil.rmtree(folder.root / "images/val")
    message = refusal(find_detection_data, folder.root)
    said = "annotations/val.json: image '0.jpg' is in no folder of val, and images/train/0.jpg is "
    assert message.endswith(f"{said}train's; add the images of val")
    folder.coco("annotations/val.json", "images/train", ["2.jpg"])  # in train's folder, but val's
    assert files_of(find_detection_data(folder.root), "val") == ["images/train/2.jpg"]


def test_one_json_of_images_in_folders_of_several_splits(folder, refusal):
    names = [f"{split}{number}.jpg" for split in ("a", "b") for number in range(4)]
    folder.coco("annotations.json", "images/train", names)
    (folder.root / "images/test").mkdir()
    for name in names[4:]:
        (folder.root / "images/train" / name).rename(folder.root / "images/test" / name)
    message = refusal(find_detection_data, folder.root)
    assert "images/test: looks like the test split, but nothing else shares" in message


@pytest.mark.parametrize(
    ("name", "images"), [("labels.json", "data"), ("annotations.json", "images")]
)
def test_a_json_and_a_folder_of_images_for_every_split(folder, name, images):
    for split in ("train", "val"):
        folder.coco(f"{split}/{name}", f"{split}/{images}", ["0.jpg", "1.jpg"])
    data = find_detection_data(folder.root)
    assert {split: files_of(data, split) for split in data.splits} == {
        split: [f"{split}/{images}/0.jpg", f"{split}/{images}/1.jpg"] for split in ("train", "val")
    }
