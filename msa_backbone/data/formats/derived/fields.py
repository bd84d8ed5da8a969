"""Fields that follow from others: iscrowd, bbox, area, and the size of an image."""

from contextlib import suppress
from pathlib import Path

from ....errors import DataError
from ....files.images import image_size
from ..coco import segmentation_of
from ..instance_masks import is_finite, mask_area, mask_box

_UNKNOWN = (None, 0)


def with_sizes(content: dict, image_dir: Path) -> tuple[dict, list[str]]:
    """The content where images of which neither side is known have the size of their file.

    If the file cannot be read, both sides are None, for the checks to report.
    """
    images, count = [], 0
    for image in content["images"]:
        if image["width"] in _UNKNOWN and image["height"] in _UNKNOWN:
            width = height = None
            with suppress(DataError):
                width, height = image_size(image_dir / image["file_name"])
            image = {**image, "width": width, "height": height}
            count += 1
        images.append(image)
    if not count:
        return content, []
    return {**content, "images": images}, [f"sizes read from the images' files: {count}"]


def with_fields(content: dict) -> tuple[dict, list[str]]:
    """The content where every annotation has an iscrowd, a bbox and an area.

    A box is the one around the mask. An area is that of the mask, or else of the box. What follows
    from nothing sound is None.
    """
    records = content["annotations"]
    if all(
        r.get("iscrowd") is not None and r.get("area") is not None and r.get("bbox")
        for r in records
    ):
        return content, []
    sizes = {image["id"]: (image["height"], image["width"]) for image in content["images"]}
    counts = dict.fromkeys(("iscrowd set to 0", "boxes from masks", "areas from masks or boxes"), 0)
    crowds, boxes, areas = counts
    annotations = []
    for record in records:
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
