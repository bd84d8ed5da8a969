"""Objects that a COCO json lists twice count once, and a note counts them."""

import json

import pytest

from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.detection.index import write_index
from msa_backbone.data.detection.repair import repair

POLYGON = [[4, 4, 24, 4, 24, 24]]


def again(record, **changes):
    return {**record, "id": record["id"] + 100} | changes


def test_coco(folder, tmp_path):
    content = folder.coco("annotations.json", "images", ["a.jpg", "b.jpg", "c.jpg"])
    listed = [{**record, "segmentation": POLYGON} for record in content["annotations"]]
    twice = [again(listed[0]), again(listed[1], bbox=[4.0, 4, 20.0, 20])]
    content["annotations"] = [*listed, *twice]
    folder.write("annotations.json", json.dumps(content))
    data = find_detection_data(folder.root)
    assert [record["id"] for record in data.splits["train"].content["annotations"]] == [1, 2, 3]
    assert "train: objects listed again, kept once: 2" in data.notes
    assert "train: 3 images, 3 objects" in data.notes
    write_index(data, tmp_path / "index")  # training reads this, not the user's json
    written = json.loads((tmp_path / "index/train.json").read_text())
    assert [record["id"] for record in written["annotations"]] == [1, 2, 3]
    repaired, _ = repair(data)
    assert len(repaired.splits["train"].content["annotations"]) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"bbox": [5, 4, 20, 20]},
        {"category_id": 11},
        {"iscrowd": 1},
        {"segmentation": [[4, 4, 24, 4, 4, 24]]},
        {"segmentation": POLYGON},
        {"image_id": 1},
        {"area": 399},
        {"area": [400]},
        {"id": 1},
    ],
)
def test_what_differs_is_another_object(folder, change):
    content = folder.coco("annotations.json", "images", ["a.jpg", "b.jpg"])
    first = content["annotations"][0]
    content["annotations"] = [first, again(first, **change)]
    folder.write("annotations.json", json.dumps(content))
    data = find_detection_data(folder.root)
    assert len(data.splits["train"].content["annotations"]) == 2
    assert not any("listed again" in note for note in data.notes)
