"""Fields that follow from others have the right values, and a note counts them."""

import json

import numpy as np
import pytest

from msa_backbone.data.detection.check import check_detection_data
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.formats.instance_masks import encode_mask


@pytest.fixture
def changed(folder):
    """The train split of three images after `change` of its json, and the notes."""

    def find(change) -> tuple[dict, tuple[str, ...]]:
        content = folder.coco("annotations.json", "images", ["a.jpg", "b.jpg", "c.jpg"])
        change(content)
        folder.write("annotations.json", json.dumps(content))
        data = find_detection_data(folder.root)
        assert check_detection_data(data) == []
        assert data.splits["train"].ann_file is None
        return data.splits["train"].content, data.notes

    return find


@pytest.mark.parametrize("dropped", [("iscrowd",), ("area",), ("iscrowd", "area")])
@pytest.mark.parametrize("absent", ["missing", "null"])
def test_iscrowd_and_area(changed, dropped, absent):
    def change(content):
        for record in content["annotations"][1:]:
            for field in dropped:
                record[field] = None
                if absent == "missing":
                    del record[field]
        content["annotations"][0]["area"] = 77

    content, notes = changed(change)
    assert [record["iscrowd"] for record in content["annotations"]] == [0, 0, 0]
    assert [record["area"] for record in content["annotations"]] == [77, 400, 400]
    assert ("train: iscrowd set to 0: 2" in notes) == ("iscrowd" in dropped)
    assert ("train: areas from masks or boxes: 2" in notes) == ("area" in dropped)


def test_an_area_is_the_masks_where_there_is_a_sound_one(changed):
    mask = np.zeros((48, 64), bool)
    mask[4:10, 5:12] = True

    def change(content):
        for record in content["annotations"]:
            del record["area"]
        first, second, third = content["annotations"]
        first["segmentation"] = [[4, 4, 14, 4, 14, 24, 4, 24]]  # 10 x 20
        second["segmentation"] = encode_mask(mask)
        third["segmentation"] = [[4, 4, 14]]  # malformed

    content, _ = changed(change)
    assert [record["area"] for record in content["annotations"]] == [200, 42, 400]


def test_a_missing_box_is_the_one_around_the_mask(changed):
    mask = np.zeros((48, 64), bool)
    mask[4:10, 5:12] = True

    def change(content):
        first, second, _ = content["annotations"]
        del first["bbox"]
        first["segmentation"] = [[4, 4, 14, 4, 14, 24, 4, 24]]
        second |= {"bbox": [], "segmentation": encode_mask(mask)}

    content, notes = changed(change)
    boxes = [record["bbox"] for record in content["annotations"]]
    assert boxes == [[4, 4, 10, 20], [5, 4, 7, 6], [4, 4, 20, 20]]
    assert "train: boxes from masks: 2" in notes


@pytest.mark.parametrize("size", [{}, {"width": None, "height": None}, {"width": 0, "height": 0.0}])
def test_a_size_is_the_files(changed, folder, size):
    def change(content):
        for image in content["images"][1:]:
            del image["width"], image["height"]
            image |= size
        folder.image("images/c.jpg", (50, 40))

    content, notes = changed(change)
    sizes = [(image["width"], image["height"]) for image in content["images"]]
    assert sizes == [(64, 48), (64, 48), (50, 40)]
    assert "train: sizes read from the images' files: 2" in notes


def test_an_image_without_a_size_and_a_file_is_missing(folder, refusal):
    content = folder.coco("annotations.json", "images", ["a.jpg", "b.jpg"])
    del content["images"][1]["width"], content["images"][1]["height"]
    folder.write("annotations.json", json.dumps(content))
    (folder.root / "images/b.jpg").unlink()
    message = refusal(check_detection_data, find_detection_data(folder.root))
    assert "b.jpg: missing image" in message


def test_numbers_written_as_text(changed):
    def change(content):
        content["images"][0] |= {"width": "64", "height": "48"}
        content["images"][1] |= {"width": "64.0"}
        first, second, third = content["annotations"]
        first |= {"bbox": ["4", "5.5", "20", "2e1"], "area": "390.5"}
        second |= {"iscrowd": "1"}
        third |= {"iscrowd": "0", "area": " 7"}

    content, notes = changed(change)
    assert [(i["width"], i["height"]) for i in content["images"]] == [(64, 48)] * 3
    found = [(r["bbox"], r["area"], r["iscrowd"]) for r in content["annotations"]]
    box = [4, 4, 20, 20]
    assert found == [([4, 5.5, 20, 20], 390.5, 0), (box, 400, 1), (box, 7, 0)]
    numbers = [v for bbox, *rest in found for v in (*bbox, *rest)]
    assert {type(number) for number in numbers} == {int, float}
    assert "train: sizes of images written as text: 2" in notes
    assert "train: objects with numbers written as text: 3" in notes
