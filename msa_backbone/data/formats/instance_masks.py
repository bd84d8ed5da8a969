"""Masks of single objects, as COCO's annotations hold them: polygons or run-length codes (RLEs)."""

import math
from collections.abc import Iterable

import numpy as np
from pycocotools import mask as coco_mask

from ...errors import DataError
from .coco import segmentation_of
from .detection_annotations import DetectionData, Split

MALFORMED = "segmentation is malformed"
MEND = (
    "give polygons [x, y, x, y, x, y, ...] of three points or more, or a run-length code of the "
    "image's [height, width]"
)


def require_segmentations(data: DetectionData) -> None:
    """Raise DataError for an annotation without a mask, or with one that cannot be read."""
    for split in data.splits.values():
        images = {image["id"]: image for image in split.content["images"]}
        for record in split.content["annotations"]:
            if not segmentation_of(record):
                raise DataError(
                    f"{split.source}: annotation {record['id']!r} has no segmentation, and the "
                    "config trains on masks: add it, or choose a config without masks"
                )
            if record["image_id"] in images:  # the checks name what is not listed
                require_sound_mask(split, images[record["image_id"]], record)


def require_sound_mask(split: Split, image: dict, record: dict) -> None:
    """Raise DataError if the annotation has a segmentation that is malformed."""
    segmentation = segmentation_of(record)
    if segmentation and not is_segmentation(segmentation, image["width"], image["height"]):
        raise DataError(f"{split.source}: annotation {record['id']!r}: {MALFORMED}; {MEND}")


def is_segmentation(segmentation: object, width: float, height: float) -> bool:
    """Whether it has the form of polygons, or of a run-length code of that size."""
    if isinstance(segmentation, dict):
        counts = segmentation.get("counts")
        if isinstance(counts, list) and all(isinstance(n, int) and n >= 0 for n in counts):
            fits = sum(counts) == width * height
        else:
            fits = isinstance(counts, str)
        return fits and segmentation.get("size") == [height, width]
    return isinstance(segmentation, list) and all(
        isinstance(polygon, list)
        and len(polygon) >= 6
        and len(polygon) % 2 == 0
        and all(map(is_finite, polygon))
        for polygon in segmentation
    )


def mask_defect(segmentation: object, width: float, height: float) -> str | None:
    """The defect of a segmentation as drawn; None for an annotation without one as well."""
    if not segmentation:
        return None
    if not is_segmentation(segmentation, width, height):
        return MALFORMED
    try:
        mask = decode_mask(segmentation, height, width)
    except Exception:  # pycocotools raises nothing more special for a broken code
        return MALFORMED
    return None if mask.any() else "mask without a pixel"


def decode_mask(segmentation: list | dict, height: int, width: int) -> np.ndarray:
    """Polygons, or a run-length code compressed or not, as a boolean mask (H, W)."""
    if isinstance(segmentation, list):
        code = coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation["counts"], list):
        code = coco_mask.frPyObjects(segmentation, height, width)
    else:
        code = segmentation
    return coco_mask.decode(code).astype(bool)


def encode_mask(mask: np.ndarray) -> dict:
    """A boolean mask (H, W) as a compressed run-length code that JSON can hold."""
    code = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {"size": list(mask.shape), "counts": code["counts"].decode()}


def draw_index_mask(objects: Iterable[tuple[dict, int]], height: int, width: int) -> np.ndarray:
    """Draw the masks of an image's objects into one index mask, (H, W) uint8.

    The smaller object is on top; 0 is where no object is. `objects` are annotations, each with the
    value that its pixels get; one without a segmentation is not drawn.
    """
    mask = np.zeros((height, width), np.uint8)
    for record, value in sorted(objects, key=lambda pair: -pair[0]["area"]):
        if segmentation := segmentation_of(record):
            mask[decode_mask(segmentation, height, width)] = value
    return mask


def is_finite(value: object) -> bool:
    """Whether it is a number that is neither NaN nor infinite."""
    return isinstance(value, int | float) and math.isfinite(value)
