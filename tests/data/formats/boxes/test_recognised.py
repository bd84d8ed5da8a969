"""Formats that are not read are called by their names, with the way out."""

import json

import pytest

from msa_backbone.data.detection.find import LAYOUTS, find_detection_data

VIA = {
    "a.jpg1": {
        "filename": "a.jpg",
        "size": 1,
        "regions": [{"shape_attributes": {"name": "rect"}, "region_attributes": {}}],
    }
}
SUPERVISELY = {"objects": [{"classTitle": "cat", "geometryType": "rectangle", "points": {}}]}
CREATE_ML = [{"image": "a.jpg", "annotations": [{"label": "cat", "coordinates": {"x": 1}}]}]


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("via_region_data.json", VIA, "VGG Image Annotator's json (VIA), which is not read"),
        ("ds0/ann/a.jpg.json", SUPERVISELY, "Supervisely's json, which is not read; export"),
        ("_annotations.createml.json", CREATE_ML, "CreateML's json, which is not read; export"),
        ("boxes.json", {"images": [], "annotations": [], "categories": []},
         "looks like a COCO json, but its name does not tell the split; name it"),
    ],
)  # fmt: skip
def test_jsons(folder, refusal, path, content, message):
    folder.image("images/a.jpg")
    folder.write(path, json.dumps(content))
    text = refusal(find_detection_data, folder.root)
    assert f"{folder.root / path}: " in text and message in text
    assert "neither" not in text


def test_tfrecords(folder, refusal):
    folder.write("cells.tfrecord", "x")
    assert "cells.tfrecord: is a TFRecord" in refusal(find_detection_data, folder.root)


def test_folders_without_labels(folder, refusal):
    folder.write("notes.md", "x")
    assert "no labels of a known format" in refusal(find_detection_data, folder.root)
    folder.image("a.jpg")
    assert "1 images but no labels; add" in refusal(find_detection_data, folder.root)
    (folder.root / "a.jpg").unlink()
    for name in ("cat/a.jpg", "dog/a.jpg"):
        folder.image(name)
    assert "class folders are for a classifier" in refusal(find_detection_data, folder.root)


def test_every_layout_is_in_the_help():
    for name in ("COCO", "VOC", "YOLO", "CVAT", "labelme", "Label Studio", "CSV"):
        assert any(line.startswith(f"{name} ") for line in LAYOUTS.splitlines())
