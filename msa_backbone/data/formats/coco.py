"""Reading COCO jsons.

The polygons of a large file are nine tenths of its text, and most of them are never looked at. So
the `segmentation` of an annotation stays the text that it was until `segmentation_of` decodes it.
"""

import json
from pathlib import Path

import msgspec

from ...errors import DataError

_COCO_FIELDS = {  # what loading and scoring read of every record
    "images": ("id", "file_name", "width", "height"),
    "categories": ("id", "name"),
    "annotations": ("id", "image_id", "category_id", "bbox", "area", "iscrowd"),
}


def read_coco(path: Path) -> dict:
    """The content of a COCO json, in the form of `Split.content`.

    Every record is sure to hold its fields; whether their values make sense is for `check` to say.

    Raises:
        DataError: if it is no JSON, or a field is missing or of the wrong type.
    """
    text = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        content = _decode_coco(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON ({error}); export it again") from None
    for key, fields in _COCO_FIELDS.items():
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise DataError(f"{path}: has no list {key!r}; export it as COCO detection data")
        for index, record in enumerate(content[key]):
            for field in fields:
                if not isinstance(record, dict) or record.get(field) is None:
                    raise DataError(f"{path}: {key}[{index}] has no {field!r}; add it")
                if field.endswith("id") and not isinstance(record[field], int | float | str):
                    raise DataError(f"{path}: {key}[{index}]: {field!r} is no number or text")
    for index, record in enumerate(content["annotations"]):
        if record["iscrowd"] not in (0, 1):
            raise DataError(f"{path}: annotations[{index}]: 'iscrowd' is not 0 or 1; correct it")
    for index, image in enumerate(content["images"]):
        if not isinstance(image["file_name"], str):
            raise DataError(f"{path}: images[{index}]: 'file_name' is no text; correct it")
        for side in ("width", "height"):
            if isinstance(image[side], float) and image[side].is_integer():
                image[side] = int(image[side])
    return content


def _decode_coco(text: bytes) -> object:
    """The parsed JSON, with segmentations left as text."""
    try:
        content = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        records = msgspec.json.decode(content.pop("annotations"), type=list[dict[str, msgspec.Raw]])
    except (msgspec.DecodeError, KeyError):
        return json.loads(text)  # NaN, which Python's json knows, and files for the user to mend
    decode = msgspec.json.Decoder().decode
    for record in records:
        for key, value in record.items():
            if key != "segmentation":
                record[key] = decode(value)
    return {key: decode(value) for key, value in content.items()} | {"annotations": records}


def segmentation_of(record: dict) -> object:
    """An annotation's polygons or run-length code; None where it has none."""
    segmentation = record.get("segmentation")
    if isinstance(segmentation, msgspec.Raw):
        return msgspec.json.decode(segmentation)
    return segmentation


def with_categories(content: dict, names: tuple[str, ...]) -> dict:
    """The content with the categories `names` only, numbered from 1, and their annotations."""
    ids = {name: number for number, name in enumerate(names, start=1)}
    new_ids = {category["id"]: ids.get(category["name"]) for category in content["categories"]}
    categories = [{"id": number, "name": name} for name, number in ids.items()]
    annotations = [
        {**record, "category_id": new_id}
        for record in content["annotations"]
        if (new_id := new_ids[record["category_id"]])
    ]
    return {"images": content["images"], "categories": categories, "annotations": annotations}
