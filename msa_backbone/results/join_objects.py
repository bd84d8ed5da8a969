"""Objects that several tiles of a picture have found, each of them once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .objects import Objects

SAME = 0.5
"""Two boxes show one object from this intersection over union on, in what both tiles have seen."""
MARGIN = 3
"""A box that ends so near to its tile's border, in pixels, may be cut there."""


@dataclass(frozen=True)
class TileObjects:
    """What was found in a tile.

    Attributes:
        box: the tile in the picture, (left, top, right, bottom), in pixels.
        objects: in the tile's pixels.
    """

    box: tuple[int, int, int, int]
    objects: Objects


def join_objects(
    tiles: Sequence[TileObjects], size: tuple[int, int], least: float | Sequence[float] = 0.0
) -> Objects:
    """Join what tiles have found.

    An object in the overlap of two tiles is found by both, one at a tile's border in parts. Both
    boxes are compared in the region that both tiles have seen, where they must show the same. The
    box with the higher score stays; where its tile has cut it, it reaches as far as the other.
    Objects of one tile are never joined: that tile has told them apart.

    Args:
        tiles: all of one model.
        size: height and width of the picture.
        least: the score that an object needs, or one for each class. Parts of it may have less.

    Returns:
        The objects in the picture's pixels, those with the highest scores first.
    """
    places = np.concatenate([np.full(len(t.objects), n) for n, t in enumerate(tiles)])
    shifts = [np.array([*t.box[:2], *t.box[:2]], np.float32) for t in tiles]
    boxes = np.concatenate([t.objects.boxes + s for t, s in zip(tiles, shifts, strict=True)])
    scores = np.concatenate([t.objects.scores for t in tiles])
    labels = np.concatenate([t.objects.labels for t in tiles])
    regions = np.array([t.box for t in tiles], np.float32)[places].reshape(-1, 4)
    order = np.argsort(-scores, kind="stable")
    free, parts = np.ones(len(scores), bool), {}
    for best in order:
        if not free[best]:
            continue
        free[best] = False
        parts[best] = [best]
        taken, grown = {places[best]}, True
        while grown:  # what a box has grown to may meet another tile's part
            grown = False
            others = order[free[order] & (labels[order] == labels[best])]
            same = _shared_overlaps(boxes[best], regions[best], boxes[others], regions[others])
            for other in others[same >= SAME][np.argsort(-same[same >= SAME], kind="stable")]:
                if places[other] in taken:
                    continue
                taken.add(places[other])
                free[other], grown = False, True
                boxes[best], regions[best] = _joined(
                    boxes[best], regions[best], boxes[other], regions[other], size
                )
                parts[best].append(other)
                break
    kept = np.array(list(parts), int)
    joined = replace(
        tiles[0].objects, boxes=boxes[kept], scores=scores[kept], labels=labels[kept], masks=None
    )
    counts = joined.counting(least)
    if tiles[0].objects.masks is None:
        return joined.chosen(counts)
    counted = [parts[best] for best in kept[counts]]  # masks as large as the picture of these alone
    return replace(joined.chosen(counts), masks=_in_the_picture(tiles, size, counted))


def _shared_overlaps(
    box: np.ndarray, region: np.ndarray, others: np.ndarray, regions: np.ndarray
) -> np.ndarray:
    """Intersection over union inside of what both tiles have seen, (K,)."""
    low = np.maximum(region[:2], regions[:, :2])
    high = np.maximum(np.minimum(region[2:], regions[:, 2:]), low)
    parts = [
        np.concatenate([b[..., :2].clip(low, high), b[..., 2:].clip(low, high)], axis=1)
        for b in (np.broadcast_to(box, others.shape), others)
    ]
    areas = [(p[:, 2:] - p[:, :2]).prod(axis=1) for p in parts]
    both = np.minimum(parts[0][:, 2:], parts[1][:, 2:]) - np.maximum(
        parts[0][:, :2], parts[1][:, :2]
    )
    both = both.clip(min=0).prod(axis=1)
    return both / np.maximum(areas[0] + areas[1] - both, 1e-6)


def _joined(
    box: np.ndarray, region: np.ndarray, other: np.ndarray, its_region: np.ndarray, size: Sequence
) -> tuple[np.ndarray, np.ndarray]:
    """The box, as far as the other reaches where it is cut; and what both tiles have seen."""
    border = np.array([0, 0, size[1], size[0]], np.float32)
    cut = (np.abs(box - region) <= MARGIN) & (region != border)
    outward = np.concatenate([np.minimum(box, other)[:2], np.maximum(box, other)[2:]])
    seen = np.concatenate([np.minimum(region, its_region)[:2], np.maximum(region, its_region)[2:]])
    return np.where(cut, outward, box), np.where(cut, seen, region)


def _in_the_picture(
    tiles: Sequence[TileObjects], size: Sequence[int], parts: Sequence[Sequence[int]]
) -> np.ndarray:
    """Masks at their places in the picture, (K, H, W).

    Args:
        parts: of each of the K objects, the numbers, over all tiles, of what it is joined from.
    """
    found = [(tile.box, mask) for tile in tiles for mask in tile.objects.masks]
    masks = np.zeros((len(parts), *size), bool)
    for mask, numbers in zip(masks, parts, strict=True):
        for number in numbers:
            (left, top, right, bottom), part = found[number]
            mask[top:bottom, left:right] |= part
    return masks
