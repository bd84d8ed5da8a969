"""Formats that are not read are called by their names, with the way out."""

import json

import pytest

from msa_backbone.data.detection.find import LAYOUTS, find_detection_data
from msa_backbone.data.segmentation.find import find_segmentation_data

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


KITTI = "Car 0.00 0 1.57 5 5 30 30 1.5 1.6 3.8 1 1 20 1.5\n"
XML = "<annotation><object><name>a</name><bndbox><xmin>1</xmin></bndbox></object></annotation>"


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("training/label_2/a.txt", KITTI, "is KITTI's text of boxes, which is not read; convert"),
        ("annotations/a.txt", "5,5,20,20,1,4,0,0\n", "is VisDrone's text of boxes"),
        ("gt/gt.txt", "1,2,794.27,247.59,71.245,174.88,-1,-1,-1,-1\n", "is the MOT Challenge's"),
        ("labelTxt/a.txt", "imagesource:GoogleEarth\ngsd:0.1\n", "is DOTA's text of turned boxes"),
        ("labelTxt/a.txt", "5.0 5 30 5 30 30 5 30 small-vehicle 0\n", "is DOTA's text of turned"),
        ("train/metadata.jsonl", '{"file_name": "a.jpg"}', "is JSON Lines, a record a line"),
        ("annotations.zip", "PK", "is an archive, which is not read; unpack it"),
        ("data.parquet", "PAR1", "is a table of Hugging Face's or Arrow's"),
        ("train.csv", "image_id,width,height,bbox\na,64,48,1\n", "boxes are in other columns"),
        ("a.csv", "filename,x,y,width,height,label\na,1,1,1,1,b\n", "boxes are in other columns"),
        ("a.csv", "frame,xmin,xmax,ymin,ymax,class_id\na.jpg,5,9,5,9,1\n", "in other columns than"),
        ("wider.txt", "0--Parade/0.jpg\n1\n5 5 20 20 0 0 0 0 0 0 \n", "is WIDER FACE's text of"),
        ("annotations/x/val/a.xml", XML, "is a VOC xml, but no layout of VOC is around it"),
        ("xml v2/a.xml", XML, "is a VOC xml, but no layout of VOC is around it; put all"),
        ("train.json", '{"labels": 1}', "has no list 'images'; export it as COCO"),
    ],
)
def test_other_files(folder, refusal, path, text, message):
    folder.image("photos/a.jpg")
    folder.write(path, text)
    said = refusal(find_detection_data, folder.root)
    assert f"{folder.root / path}: " in said and message in said
    assert message in refusal(find_segmentation_data, folder.root)


def test_utf_16(folder, refusal):
    folder.coco("train.json", "images", ["a.jpg"])
    path = folder.root / "train.json"
    path.write_bytes(path.read_text().encode("utf-16"))
    assert "train.json: is in UTF-16, as no JSON may" in refusal(find_detection_data, folder.root)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (("leftImg8bit/train/a/a_leftImg8bit.png", "gtFine/train/a/a_gtFine_labelTrainIds.png"),
         "leftImg8bit: are Cityscapes' folders, which are not read; move the images into"),
        (("imagesTr/a_0000.png", "labelsTr/a.png"),
         "imagesTr: are nnU-Net's folders, which are not read; move imagesTr/ to images/"),
    ],
)  # fmt: skip
def test_folders_of_masks(folder, refusal, paths, message):
    for path in paths:
        folder.image(path)
    assert message in refusal(find_segmentation_data, folder.root)


def test_pictures_that_nothing_reads(folder, refusal):
    folder.write("images/a.heic", "x")
    said = refusal(find_detection_data, folder.root)
    assert "no image that is read, but 1 pictures as .heic, first images/a.heic; save them" in said


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


def test_one_of_several_sets_is_to_be_given(folder, refusal):
    for name in ("a", "b"):
        folder.coco(f"{name}/annotations/train.json", f"{name}/images", ["0.jpg"])
    message = refusal(find_detection_data, folder.root)
    assert (
        f"a/annotations/train.json: lies too deep; if {folder.root / 'a'} holds the data" in message
    )
