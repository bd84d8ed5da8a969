"""Reading COCO files: what is refused, with the file and the mend."""

import json

import pytest

from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.formats.coco import read_coco

ONE_IMAGE = '{"images": [%s], "categories": [], "annotations": []}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [', "not valid JSON (Expecting value: line 1 column 13 (char 12)); export"),
        ("[]", "has no list 'images'; export it as COCO"),
        ('{"images": [], "categories": []}', "has no list 'annotations'"),
        (ONE_IMAGE % '{"id": 1}', "images[0] has no 'file_name'; add it"),
        (ONE_IMAGE % '{"id": 1, "file_name": null}', "images[0] has no 'file_name'; add it"),
        (ONE_IMAGE % '"a.jpg"', "images[0] is no record but 'a.jpg'; export it again"),
    ],
)
def test_malformed_coco_is_refused(folder, refusal, text, message):
    folder.write("annotations.json", text)
    assert f"annotations.json: {message}" in refusal(find_detection_data, folder.root)


@pytest.mark.parametrize("field", ["image_id", "category_id", "bbox"])
def test_coco_annotations_need_the_fields_that_do_not_follow_from_others(folder, refusal, field):
    content = folder.coco("annotations.json", "images", ["a.jpg", "b.jpg"])
    for record in content["annotations"]:
        del record[field]
    folder.write("annotations.json", json.dumps(content))
    message = refusal(find_detection_data, folder.root)
    assert f"annotations.json: annotations[0] has no {field!r}; add it; 1 more like it" in message


def test_a_json_may_start_with_a_byte_order_mark(folder):
    content = folder.coco("annotations.json", "images", ["a.jpg"])
    folder.write("annotations.json", "\ufeff" + json.dumps(content))
    assert find_detection_data(folder.root).splits["train"].content == content


@pytest.mark.parametrize(
    ("key", "field", "value", "message"),
    [
        ("images", "file_name", 5, "images[0]: 'file_name' is no text"),
        ("annotations", "iscrowd", "no", "annotations[0]: 'iscrowd' is not 0 or 1"),
        ("annotations", "id", [1], "annotations[0]: 'id' is no number or text"),
    ],
)
def test_fields_of_a_wrong_type_are_named(folder, refusal, key, field, value, message):
    content = folder.coco("annotations.json", "images", ["a.jpg"])
    content[key][0][field] = value
    folder.write("annotations.json", json.dumps(content))
    assert message in refusal(find_detection_data, folder.root)


def test_whole_numbers_written_as_fractions_are_sizes(folder):
    content = folder.coco("annotations.json", "images", ["a.jpg"])
    content["images"][0] |= {"width": 64.0, "height": 48.0}
    folder.write("annotations.json", json.dumps(content))
    image = read_coco(folder.root / "annotations.json")[0]["images"][0]
    assert [type(image[side]) for side in ("width", "height")] == [int, int]


def test_half_a_character_is_refused(folder, refusal):
    folder.coco("annotations/train.json", "images", ["a.jpg"], classes=("cat", "dog"))
    folder.edit("annotations/train.json", '"cat"', r'"cat\ud800"')
    message = refusal(find_detection_data, folder.root)
    assert "train.json: not valid JSON" in message and "surrogates not allowed" in message
