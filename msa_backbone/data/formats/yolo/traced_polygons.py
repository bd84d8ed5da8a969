"""One polygon for the mask of an object, as YOLO's lines hold one only.

A mask is traced along the borders of its pixels, so that the polygon encloses just these pixels.
Further parts and holes are joined to the first outline by a way there and back, which encloses
nothing.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from ..instance_masks import decode_mask

_SAME = 0.99  # intersection over union from which a joined polygon is the mask that it was


def one_polygon(segmentation: list | dict, width: int, height: int) -> list[float] | None:
    """A polygon [x, y, x, y, ...] of a segmentation in an image of this size.

    A single polygon stays as it is. Several are joined, or traced anew where they overlap.

    Returns:
        None for a mask without a pixel.
    """
    if isinstance(segmentation, list) and len(segmentation) == 1:
        return segmentation[0]
    mask = decode_mask(segmentation, height, width)
    if isinstance(segmentation, list):
        joined = _joined([_clockwise(np.reshape(polygon, (-1, 2))) for polygon in segmentation])
        again = decode_mask([joined], height, width)
        if (mask & again).sum() > _SAME * (mask | again).sum():
            return joined
    outlines = pixel_outlines(mask)
    return _joined(outlines) if outlines else None


def pixel_outlines(mask: np.ndarray) -> list[np.ndarray]:
    """The outlines (N, 2) along the borders of the pixels of a mask (H, W), the largest first.

    OpenCV goes through the middles of the outmost pixels. In an image of twice the size these are
    quarters of pixels, each of which lies at one corner of its pixel.
    """
    twice = np.repeat(np.repeat(mask.astype(np.uint8), 2, 0), 2, 1)
    found, _ = cv2.findContours(twice, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines = [_without_straights((contour[:, 0] + 1) // 2) for contour in found]
    return sorted((o for o in outlines if len(o) > 2), key=lambda o: -np.prod(np.ptp(o, 0)))


def _without_straights(corners: np.ndarray) -> np.ndarray:
    """The corners (N, 2) of an outline where it turns."""
    corners = corners[(corners != np.roll(corners, 1, 0)).any(1)]
    step, next_step = corners - np.roll(corners, 1, 0), np.roll(corners, -1, 0) - corners
    turns = (np.sign(step) != np.sign(next_step)).any(1)
    return corners[turns]


def _joined(outlines: Sequence[np.ndarray]) -> list[float]:
    """One polygon of all outlines; from each the way goes to the nearest corner of those before."""
    whole = np.asarray(outlines[0], float)
    for outline in outlines[1:]:
        gaps = ((whole[:, None] - np.asarray(outline, float)[None]) ** 2).sum(2)
        leave, arrive = np.unravel_index(gaps.argmin(), gaps.shape)
        round_trip = np.roll(outline, -arrive, 0)
        parts = [whole[: leave + 1], round_trip, round_trip[:1], whole[leave:]]
        whole = np.concatenate(parts)
    return whole.ravel().tolist()


def _clockwise(outline: np.ndarray) -> np.ndarray:
    """The outline in one direction, so that areas of parts add up."""
    x, y = outline.T
    return outline if x @ np.roll(y, -1) >= y @ np.roll(x, -1) else outline[::-1]
