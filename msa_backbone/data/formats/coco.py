"""Reading COCO jsons.

The polygons of a large file are nine tenths of its text, and most of them are never looked at. So
the `segmentation` of an annotation stays the text that it was until `segmentation_of` decodes it.
"""

import json
import math
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from ...errors import DataError
from ...files.text import read_bytes

_REQUIRED = {  # what cannot be derived from the rest, of every record
    "images": ("id", "file_name"),
    "categories": ("id", "name"),
    "annotations": ("image_id", "category_id"),
}

BY_ABSOLUTE_PATHS = "by absolute paths"  # what `info` then says of the images


def read_coco(path: Path, optional: Collection[str] = ()) -> tuple[dict, list[str]]:
    """The content of a COCO json, in the form of `Split.content`, and its spoilt records.

    A spoilt record lacks a field that cannot be derived, or has one of the wrong type. It is left
    out of the content, an image with all its objects. Fields that `derived` can fill in may be
    missing from the others; whether values make sense is for `check` to say.

    Args:
        optional: lists that may be missing, which are then empty.

    Returns:
        The content, and a line for each spoilt record.

    Raises:
        DataError: if it is no JSON, or one of the three lists is missing.
    """
    content = _parsed(path)
    for key in _REQUIRED:
        if isinstance(content, dict) and content.get(key) is None and key in optional:
            content[key] = []
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise DataError(f"{path}: has no list {key!r}; export it as COCO detection data")
    spoilt: list[str] = []
    lost_images = set()
    for key, fields in _REQUIRED.items():
        if key == "annotations" and _are_plain(content[key]):
            continue
        ids, kept = {field for field in fields if field.endswith("id")} | {"id"}, []
        for index, record in enumerate(content[key]):
            if wrong := _wrong_in(record, fields, ids):
                spoilt.append(f"{path}: {key}[{index}]{wrong}")
                if key == "images" and isinstance(record, dict) and _is_id(record.get("id")):
                    lost_images.add(record["id"])
            else:
                kept.append(record)
        content[key] = kept
    for image in content["images"]:
        for side in ("width", "height"):
            value = image.setdefault(side)
            if isinstance(value, float) and value.is_integer():
                image[side] = int(value)
    return without_images(content, lost_images), spoilt


def _are_plain(annotations: list) -> bool:
    """Whether no annotation needs a closer look. Most files are so, and they may hold a million."""
    try:
        return all(
            type(record["id"]) is int
            and type(record["image_id"]) is int
            and type(record["category_id"]) is int
            and record["iscrowd"] in (0, 1)
            and record["bbox"]
            for record in annotations
        )
    except (KeyError, TypeError):
        return False


def _wrong_in(record: object, fields: Sequence[str], ids: Collection[str]) -> str | None:
    """What is wrong with a record, behind its name in a message, and the mend."""
    if not isinstance(record, dict):
        return f" is no record but {str(record)[:40]!r}; export it again"
    for field in fields:
        if record.get(field) is None:
            return f" has no {field!r}; add it"
    for field in ids:
        value = record.get(field)
        if type(value) is not int and value is not None and not _is_id(value):
            return f": {field!r} is no number or text; correct it"
    if "file_name" in record and not isinstance(record["file_name"], str):
        return ": 'file_name' is no text; correct it"
    if "name" in fields and not isinstance(record["name"], str | int | float):
        return ": 'name' is no text; correct it"
    if "category_id" in fields:
        if record.get("iscrowd", 0) not in (0, 1, None, "0", "1"):
            return ": 'iscrowd' is not 0 or 1; correct it"
        if record.get("bbox") in (None, []) and not segmentation_of(record):
            return " has no 'bbox'; add it"
    return None


def _is_id(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int | str) and not isinstance(value, bool)


def without_images(content: dict, ids: Collection[object]) -> dict:
    """The content without the images of these ids and without their annotations."""
    if not ids:
        return content
    images = [image for image in content["images"] if image["id"] not in ids]
    annotations = [r for r in content["annotations"] if r["image_id"] not in ids]
    return {**content, "images": images, "annotations": annotations}


def _parsed(path: Path) -> object:
    """The JSON in a file; raises DataError, also for text that is not Unicode."""
    text = read_bytes(path)
    try:
        return _decode_coco(text)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: is in another encoding than UTF-8 (byte {error.object[error.start]:#x} at "
            f"{error.start}); save it as UTF-8"
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON ({error}); export it again") from None


def _decode_coco(text: bytes) -> object:
    """The parsed JSON, with segmentations left as text."""
    decode = msgspec.json.Decoder().decode
    try:
        content = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        records = msgspec.json.decode(content.pop("annotations"), type=list[dict[str, msgspec.Raw]])
        for record in records:
            for key, value in record.items():
                if key != "segmentation":
                    record[key] = decode(value)
        return {key: decode(value) for key, value in content.items()} | {"annotations": records}
    except (ValueError, KeyError):
        content = json.loads(text)  # NaN, which Python's json knows, and files for the user to mend
        json.dumps(content, ensure_ascii=False).encode()  # an error for half a character: \\ud800
        return content


def segmentation_of(record: dict) -> object:
    """An annotation's polygons or run-length code; None where it has none."""
    segmentation = record.get("segmentation")
    if not isinstance(segmentation, msgspec.Raw):
        return segmentation
    try:
        return msgspec.json.decode(segmentation)
    except ValueError:  # text that is not UTF-8: it will be called malformed
        return bytes(segmentation)


def names_images_elsewhere(content: dict) -> bool:
    """Whether the json says of itself that its images lie where their absolute paths say."""
    info = content.get("info")
    return isinstance(info, dict) and info.get("images") == BY_ABSOLUTE_PATHS


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
