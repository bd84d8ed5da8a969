"""Reading annotation files: what is refused, with the file and the mend."""

import json

import pytest

from msa_backbone.data.annotations import read_coco, read_voc
from msa_backbone.data.layouts import find_detection_data


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [', "not valid JSON (Expecting value: line 1 column 13 (char 12)); export"),
        ("[]", "has no list 'images'; export it as COCO"),
        ('{"images": [], "categories": []}', "has no list 'annotations'"),
        ('{"images": [{"id": 1}]}', "images[0] has no 'file_name'; add it"),
        ('{"images": [{"id": 1, "file_name": null}]}', "images[0] has no 'file_name'; add it"),
    ],
)
def test_malformed_coco_is_refused(folder, refusal, text, message):
    folder.write("annotations.json", text)
    assert f"annotations.json: {message}" in refusal(find_detection_data, folder.root)


def test_coco_annotations_need_the_fields_that_scoring_reads(folder, refusal):
    content = folder.coco("annotations.json", "images", ["a.jpg"])
    del content["annotations"][0]["iscrowd"]
    folder.write("annotations.json", json.dumps(content))
    message = refusal(find_detection_data, folder.root)
    assert "annotations.json: annotations[0] has no 'iscrowd'; add it" in message


def test_malformed_voc_is_refused(folder, refusal):
    folder.voc("images", "annotations", ["a"])
    folder.edit("annotations/a.xml", "<name>cat</name>", "")
    message = refusal(find_detection_data, folder.root)
    assert "a.xml: object 0 has no name; add it" in message
    folder.edit("annotations/a.xml", "</annotation>", "")
    message = refusal(find_detection_data, folder.root)
    assert "a.xml: not valid XML (" in message and "line 2, column" in message


@pytest.mark.parametrize("line", ["b", "a.jpg", "a b"])
def test_voc_lists_must_name_xml_files(folder, refusal, line):
    folder.voc("JPEGImages", "Annotations", ["a"])
    folder.voc_list(".", "train", ["a", line])
    message = refusal(find_detection_data, folder.root)
    assert f"train.txt: lists {line!r}, which has no xml file" in message
    assert f"add {folder.root}/Annotations/{line}.xml or mend" in message
    assert "a bare name, no suffix" in message


def test_white_space_and_a_byte_order_mark_are_no_part_of_a_name(folder):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    folder.voc_list(".", "train", ["\ufeffa ", "", "\tb"])
    images = find_detection_data(folder.root).splits["train"].content["images"]
    assert [image["file_name"] for image in images] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("suffix", [".JPG", ".PNG", ".jpeg", ".tif"])
def test_images_may_have_any_usual_suffix(folder, suffix):
    folder.voc("images", "annotations", ["a"], suffix=suffix)
    (image,) = find_detection_data(folder.root).splits["train"].content["images"]
    assert image["file_name"] == f"a{suffix}"


def test_a_json_may_start_with_a_byte_order_mark(folder):
    content = folder.coco("annotations.json", "images", ["a.jpg"])
    folder.write("annotations.json", "\ufeff" + json.dumps(content))
    assert find_detection_data(folder.root).splits["train"].content == content


def test_a_name_listed_twice_is_refused(folder, refusal):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    folder.voc_list(".", "train", ["a", "b", "a"])
    message = refusal(find_detection_data, folder.root)
    assert message.endswith("train.txt: lists 'a' twice; remove one of the lines")


def test_voc_lists_may_name_subfolders(folder):
    folder.voc("JPEGImages", "Annotations", ["a", "day1/a"])
    folder.voc_list(".", "train", ["a", "day1/a"])
    images = find_detection_data(folder.root).splits["train"].content["images"]
    assert [image["file_name"] for image in images] == ["a.jpg", "day1/a.jpg"]


@pytest.mark.parametrize(
    ("key", "field", "value", "message"),
    [
        ("images", "file_name", 5, "images[0]: 'file_name' is no text"),
        ("annotations", "iscrowd", "0", "annotations[0]: 'iscrowd' is not 0 or 1"),
        ("annotations", "id", [1], "annotations[0]: 'id' is no number or text"),
    ],
)
def test_fields_of_a_wrong_type_are_named(folder, refusal, key, field, value, message):
    content = folder.coco("annotations.json", "images", ["a.jpg"])
    content[key][0][field] = value
    folder.write("annotations.json", json.dumps(content))
    assert message in refusal(read_coco, folder.root / "annotations.json")


def test_whole_numbers_written_as_fractions_are_sizes(folder):
    content = folder.coco("annotations.json", "images", ["a.jpg"])
    content["images"][0] |= {"width": 64.0, "height": 48.0}
    folder.write("annotations.json", json.dumps(content))
    image = read_coco(folder.root / "annotations.json")["images"][0]
    assert [type(image[side]) for side in ("width", "height")] == [int, int]


@pytest.mark.parametrize("encoding", ["GB2312", "nonsense"])
def test_encodings_that_cannot_be_read_are_named(folder, refusal, encoding):
    folder.voc("images", "annotations", ["a"])
    path = folder.root / "annotations/a.xml"
    path.write_text(f'<?xml version="1.0" encoding="{encoding}"?>' + path.read_text())
    message = refusal(read_voc, None, path.parent, folder.root / "images")
    assert str(path) in message and "not valid XML" in message
