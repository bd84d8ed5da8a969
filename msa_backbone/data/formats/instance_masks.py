"""Masks of single objects, as COCO's annotations hold them: polygons or run-length codes (RLEs)."""

import math
import sys
from collections.abc import Iterable, Sequence

import numpy as np
from pycocotools import mask as coco_mask

from ...errors import DataError, first_and_count
from .coco import segmentation_of
from .detection_annotations import DetectionData, Split

MALFORMED = "segmentation is malformed"
MEND = (
    "give polygons [x, y, x, y, x, y, ...] of three points or more, or a run-length code of the "
    "image's [height, width]"
)
_FARTHEST = 1e6  # pixels; pycocotools walks along polygons step by step
_MOST_CHARACTERS = 7  # of a number in a compressed run-length code: 35 bits


def without_segmentation(data: DetectionData) -> list[str]:
    """A line for each annotation without a mask; one for a split of which none has a mask."""
    lines = []
    mend = "and the config trains on masks: add it, or choose a config without masks"
    for split in data.splits.values():
        records = split.content["annotations"]
        bare = [record for record in records if not segmentation_of(record)]
        places = [r.get("found_at", f"{split.source}: annotation {r['id']!r}") for r in bare]
        if len(bare) == len(records) > 1:
            lines.append(f"{places[0]} has no segmentation, nor has any other, {mend}")
        else:
            lines += [f"{place} has no segmentation, {mend}" for place in places]
    return lines


def require_segmentations(data: DetectionData) -> None:
    """Raise DataError for an annotation without a mask, or with one that cannot be read."""
    if lines := without_segmentation(data):
        raise DataError(first_and_count(lines, "more like it"))
    for split in data.splits.values():
        images = {image["id"]: image for image in split.content["images"]}
        for record in split.content["annotations"]:
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
        counts, size = segmentation.get("counts"), segmentation.get("size")
        if size != [height, width] or not all(type(side) is int for side in size):
            return False
        runs = run_lengths(counts) if isinstance(counts, str) else counts
        whole = isinstance(runs, list) and all(type(run) is int and run >= 0 for run in runs)
        return whole and sum(runs) == width * height
    return isinstance(segmentation, list) and all(
        isinstance(polygon, list)
        and len(polygon) >= 6
        and len(polygon) % 2 == 0
        and all(is_finite(value) and abs(value) < _FARTHEST for value in polygon)
        for polygon in segmentation
    )


def run_lengths(counts: str) -> list[int] | None:
    """The runs of a compressed run-length code; None if the text is no such code.

    The code is that of COCO's `maskApi.c` (rleToString): five bits to a character, the lowest
    first, from character 48 on; a sixth bit says that the number goes on, and the last character's
    fifth bit is the sign. From the fourth run on, the difference from the run before the last is
    written.
    """
    try:
        codes = np.frombuffer(counts.encode("ascii"), np.uint8).astype(np.int64) - 48
    except UnicodeEncodeError:
        return None
    ends = np.flatnonzero((codes & 32) == 0)
    lengths = np.diff(ends, prepend=-1)
    if not len(codes):
        return []
    if codes.min() < 0 or codes.max() > 63 or codes[-1] & 32 or lengths.max() > _MOST_CHARACTERS:
        return None
    starts = ends - lengths + 1
    shifts = 5 * (np.arange(len(codes)) - np.repeat(starts, lengths))
    numbers = np.add.reduceat((codes & 31) << shifts, starts)
    numbers -= np.where(codes[ends] & 16, np.int64(1) << (5 * lengths), 0)
    for first in (1, 2):
        numbers[first::2] = np.cumsum(numbers[first::2])
    return numbers.tolist()


def mask_defect(segmentation: object, width: float, height: float) -> str | None:
    """The defect of a segmentation as drawn; None for an annotation without one as well."""
    if not segmentation:
        return None
    if not is_segmentation(segmentation, width, height):
        return MALFORMED
    return None if mask_area(segmentation, height, width) else "mask without a pixel"


def mask_area(segmentation: object, height: int, width: int) -> int | None:
    """How many pixels a mask has; None for a malformed one, or in an image without a size."""
    if not all(type(side) is int and side > 0 for side in (height, width)):
        return None
    if not segmentation or not is_segmentation(segmentation, width, height):
        return None
    return int(coco_mask.area(_code(segmentation, height, width)))


def mask_box(segmentation: object, height: int, width: int) -> list[float] | None:
    """The box around a mask: left, top, width, height; None for a malformed or an empty mask."""
    if not mask_area(segmentation, height, width):
        return None
    return coco_mask.toBbox(_code(segmentation, height, width)).tolist()


def is_apart(segmentation: list | dict, box: Sequence[float], height: int, width: int) -> bool:
    """Whether no part of a sound mask lies in its box (left, top, width, height).

    Most polygons begin inside, which is quickly seen.
    """
    left, top, right, bottom = box[0], box[1], box[0] + box[2], box[1] + box[3]
    if isinstance(segmentation, list):
        x, y = segmentation[0][:2]
        if left <= x < right and top <= y < bottom:
            return False
    x, y, across, down = mask_box(segmentation, height, width)
    return x >= right or y >= bottom or x + across <= left or y + down <= top


def decode_mask(segmentation: list | dict, height: int, width: int) -> np.ndarray:
    """Polygons, or a run-length code compressed or not, as a boolean mask (H, W).

    pycocotools leaves what a code does not reach to whatever was in memory, so codes are checked.

    Raises:
        DataError: for a malformed segmentation.
    """
    if not is_segmentation(segmentation, width, height):
        raise DataError(f"{MALFORMED}; {MEND}")
    return coco_mask.decode(_code(segmentation, height, width)).astype(bool)


def _code(segmentation: list | dict, height: int, width: int) -> dict:
    """A sound segmentation as pycocotools' run-length code."""
    if isinstance(segmentation, list):
        return coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
    if isinstance(segmentation["counts"], list):
        return coco_mask.frPyObjects(segmentation, height, width)
    return segmentation


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
    """Whether it is a number, of the size of a float, that is neither NaN nor infinite."""
    if isinstance(value, float):
        return math.isfinite(value)
    return type(value) is int and abs(value) <= sys.float_info.max
