"""Fields that follow from others: iscrowd, bbox, area, and the size of an image."""

import re
from contextlib import suppress
from pathlib import Path

from ....errors import DataError
from ....files.images import image_size
from ..coco import segmentation_of
from ..instance_masks import is_finite, mask_area, mask_box

_UNKNOWN = (None, 0)
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?(e[-+]?\d\d?)?", re.IGNORECASE)


def with_sizes(content: dict, image_dir: Path) -> tuple[dict, list[str]]:
    """The content where images of which neither side is known have the size of their file.

    If the file cannot be read, both sides are None, for the checks to report. Sides that are
    written as text become numbers.
    """
    images, count, texts = [], 0, 0
    for image in content["images"]:
        if isinstance(image["width"], str) or isinstance(image["height"], str):
            sides = {side: _number(image[side]) for side in ("width", "height")}
            texts += any(image[side] != value for side, value in sides.items())
            image = {**image, **sides}
        if image["width"] in _UNKNOWN and image["height"] in _UNKNOWN:
            width = height = None
            with suppress(DataError):
                width, height = image_size(image_dir / image["file_name"])
            image = {**image, "width": width, "height": height}
            count += 1
        images.append(image)
    if not count and not texts:
        return content, []
    notes = [f"sizes read from the images' files: {count}"] if count else []
    notes += [f"sizes of images written as text: {texts}"] if texts else []
    return {**content, "images": images}, notes


def _number(value: object) -> object:
    """The number that a text spells; anything else as it is."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value.strip()):
        return value
    number = float(value)
    return int(number) if number.is_integer() and "e" not in value.lower() else number


def _with_numbers(record: dict) -> dict:
    """The annotation, with numbers where its fields are written as text."""
    box = record.get("bbox")
    found = {"bbox": [_number(value) for value in box]} if isinstance(box, list) else {}
    found |= {key: _number(record[key]) for key in ("iscrowd", "area") if key in record}
    return {**record, **found} if any(record[key] != found[key] for key in found) else record


def with_fields(content: dict) -> tuple[dict, list[str]]:
    """The content where every annotation has an iscrowd, a bbox and an area, as numbers.

    A box is the one around the mask. An area is that of the mask, or else of the box. What follows
    from nothing sound is None.
    """
    records = content["annotations"]
    if _are_complete(records):
        return content, []
    sizes = {image["id"]: (image["height"], image["width"]) for image in content["images"]}
    kinds = ("objects with numbers written as text", "iscrowd set to 0", "boxes from masks")
    counts = dict.fromkeys((*kinds, "areas from masks or boxes"), 0)
    texts, crowds, boxes, areas = counts
    annotations = []
    for as_written in records:
        record = _with_numbers(as_written)
        counts[texts] += record is not as_written
        if record.get("iscrowd") is None:
            record = {**record, "iscrowd": 0}
            counts[crowds] += 1
        if record.get("bbox") in (None, []):
            box = mask_box(segmentation_of(record), *sizes.get(record["image_id"], (0, 0)))
            record = {**record, "bbox": box}
            counts[boxes] += 1
        if record.get("area") is None:
            area = mask_area(segmentation_of(record), *sizes.get(record["image_id"], (0, 0)))
            box = record["bbox"]
            if (
                area is None
                and isinstance(box, list)
                and len(box) == 4
                and all(map(is_finite, box))
            ):
                area = box[2] * box[3]
            record = {**record, "area": area}
            counts[areas] += 1
        annotations.append(record)
    notes = [f"{what}: {count}" for what, count in counts.items() if count]
    return ({**content, "annotations": annotations} if notes else content), notes


def _are_complete(records: list[dict]) -> bool:
    """Whether nothing of the annotations has to be derived; a file may hold a million."""
    try:
        return all(
            type(record["iscrowd"]) is int
            and type(record["area"]) in (int, float)
            and type(record["bbox"][0]) is not str
            for record in records
        )
    except (KeyError, TypeError, IndexError):
        return False
