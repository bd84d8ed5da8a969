"""Ids as whole numbers: the same objects, and the scores of the same data with plain ids."""

import json

import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from msa_backbone.data.detection.check import check_detection_data
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.detection.index import ann_file, write_index

NAMES = ["a.jpg", "b.jpg", "c.jpg"]


@pytest.fixture
def with_ids(folder):
    """The train split whose ids of one kind are made by `change` from 0, 1, 2."""

    def find(kind: str, change):
        content = folder.coco("annotations.json", "images", NAMES)
        for index, record in enumerate(content["annotations"]):
            record["bbox"] = [4, 4, 20 + index, 20]
            record["image_id"] = index
            record["category_id"] = index % 2
            record["id"] = index + 1
        for index, category in enumerate(content["categories"]):
            category["id"] = index
        reference = {"images": "image_id", "categories": "category_id", "annotations": "id"}[kind]
        for record in content[kind]:
            record["id"] = change(record["id"] - (kind == "annotations"))
        if kind != "annotations":
            for record in content["annotations"]:
                record[reference] = change(record[reference])
        folder.write("annotations.json", json.dumps(content))
        return find_detection_data(folder.root)

    return find


def objects(content: dict) -> list[tuple]:
    """File, class and box of every annotation."""
    files = {image["id"]: image["file_name"] for image in content["images"]}
    names = {category["id"]: category["name"] for category in content["categories"]}
    return [
        (files[r["image_id"]], names[r["category_id"]], tuple(r["bbox"]))
        for r in content["annotations"]
    ]


EXPECTED = [
    ("a.jpg", "cat", (4, 4, 20, 20)),
    ("b.jpg", "dog", (4, 4, 21, 20)),
    ("c.jpg", "cat", (4, 4, 22, 20)),
]


@pytest.mark.parametrize("kind", ["images", "categories", "annotations"])
@pytest.mark.parametrize(
    "change",
    [
        *(lambda i: f"id-{i}", str, float, lambda i: i + 0.5, lambda i: 2**53 + i),
        *(lambda i: 10**30 + i, lambda i: i - 5, lambda i: f" {i}", lambda i: f"00{i}"),
    ],
    ids=["text", "digits", "float", "half", "large", "huge", "negative", "spaced", "zeros"],
)
def test_ids_become_whole_numbers_and_the_objects_stay(with_ids, tmp_path, kind, change):
    data = with_ids(kind, change)
    split = data.splits["train"]
    assert objects(split.content) == EXPECTED
    for records, lowest in (("images", 0), ("categories", 0), ("annotations", 1)):
        ids = [record["id"] for record in split.content[records]]
        assert all(type(id_) is int and lowest <= id_ < 2**53 for id_ in ids)
        assert len(set(ids)) == len(ids)
    assert split.ann_file is None  # so that training and scoring read the index
    (note,) = [note for note in data.notes if "made whole numbers" in note]
    number = {"images": 3, "categories": 2, "annotations": 3}[kind]
    start = f"train: ids of {kind} made whole numbers: {number}, first {change(0)!r} is "
    assert note.startswith(start)
    check_detection_data(data)
    write_index(data, tmp_path / "index")
    assert average_precision(ann_file(data, "train", tmp_path / "index")) == 1


def average_precision(path) -> float:
    """Of perfect predictions, by pycocotools."""
    truth = COCO(path)
    found = [
        {k: r[k] for k in ("image_id", "category_id", "bbox")} | {"score": 0.9}
        for r in truth.dataset["annotations"]
    ]
    score = COCOeval(truth, truth.loadRes(found), "bbox")
    score.evaluate()
    score.accumulate()
    score.summarize()
    return float(score.stats[0])


def test_numbers_keep_their_value(with_ids):
    content = with_ids("images", lambda i: f"{i + 7}").splits["train"].content
    assert [image["id"] for image in content["images"]] == [7, 8, 9]


def test_whole_numbers_stay_as_they_are(folder):
    content = folder.coco("annotations.json", "images", NAMES)  # the images count from 0
    split = find_detection_data(folder.root).splits["train"]
    assert split.content == content and split.ann_file == folder.root / "annotations.json"


def test_annotations_without_an_id_get_one(folder):
    content = folder.coco("annotations.json", "images", NAMES)
    for record in content["annotations"]:
        del record["id"]
    folder.write("annotations.json", json.dumps(content))
    found = find_detection_data(folder.root).splits["train"].content
    assert [record["id"] for record in found["annotations"]] == [1, 2, 3]


def test_text_in_one_list_alone_means_the_same_number(folder):
    content = folder.coco("annotations.json", "images", NAMES)
    for record in content["annotations"]:
        record |= {"image_id": str(record["image_id"]), "category_id": "10"}
    folder.write("annotations.json", json.dumps(content))
    data = find_detection_data(folder.root)
    assert [name for name, _, _ in objects(data.splits["train"].content)] == NAMES
    assert "train: ids of images in annotations made whole numbers: 3, first '0' is 0" in data.notes


def test_an_unknown_id_stays_unknown_and_is_named_as_the_file_has_it(folder, refusal):
    content = folder.coco("annotations.json", "images", NAMES)
    for image in content["images"]:
        image["id"] = f"im{image['id']}"
    for record in content["annotations"]:
        record |= {"id": f"ann{record['id']}", "image_id": f"im{record['image_id']}"}
    content["annotations"][1]["image_id"] = 1  # what a renumbered image is called
    folder.write("annotations.json", json.dumps(content))
    message = refusal(check_detection_data, find_detection_data(folder.root))
    assert "annotation 'ann2' [4, 4, 20, 20]: image_id '1': unknown image id" in message


def test_ids_used_twice_are_still_found(folder, refusal):
    content = folder.coco("annotations.json", "images", NAMES)
    for record in content["annotations"]:
        record["id"] = "same"
    folder.write("annotations.json", json.dumps(content))
    message = refusal(check_detection_data, find_detection_data(folder.root))
    assert "annotation 'same' [4, 4, 20, 20]: annotation id used twice" in message
    content["images"][1]["id"] = "0"
    content["images"][0]["id"] = 0.0
    folder.write("annotations.json", json.dumps(content))
    message = refusal(check_detection_data, find_detection_data(folder.root))
    assert "image '0': image listed twice" in message
