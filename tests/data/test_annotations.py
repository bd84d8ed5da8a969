"""Reading annotation files: what is refused, with the file and the mend."""

import json

import pytest

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
