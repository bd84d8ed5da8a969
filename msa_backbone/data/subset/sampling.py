"""Choose images that represent a data set: its classes, its object sizes, its empty images.

COCO minitrain (https://github.com/giddyyupp/coco-minitrain) draws at random until the proportions
of classes and sizes are close. Here a random draw is improved by swaps while any helps: one seed is
enough, and rare classes are kept.
"""

from dataclasses import dataclass

import numpy as np

AREA_LIMITS = (32**2, 96**2)  # COCO's small, medium and large, in square pixels
_BLOCK = 64  # images on either side of the swaps that are compared at once
_PATIENCE = 60  # blocks without a helpful swap after which the search ends
_STARTS = 16  # at most: small sets have local optima, large ones are close from any start
# What a point of each distance costs: of classes, sizes, objects per image, empty images.
_WEIGHTS = (1, 0.3, 0.1, 0.3)


@dataclass(frozen=True)
class Distance:
    """How far a subset is from the full set; all between 0 (equal) and 1.

    `classes` and `sizes` are total-variation distances: half the sum of the differences between the
    shares that the classes, or small, medium and large, have in all objects. `objects` is the
    relative difference in objects per image, `empty` that in the share of images without an object.
    """

    classes: float
    sizes: float
    objects: float
    empty: float


def representative_images(
    objects: np.ndarray, number: int, seed: int, min_objects: int = 1
) -> np.ndarray:
    """Choose `number` images whose objects are distributed as in all images.

    Args:
        objects: (images, classes, 3), how many small, medium and large objects an image has.
        number: images to choose, 1 to all.
        seed: of the first draw and of the order in which swaps are tried.
        min_objects: of every class in two or more images, as far as these and `number` allow.

    Returns:
        The chosen indices, ascending.

    Raises:
        ValueError: for a `number` that there are not.
    """
    if not 1 <= number <= len(objects):
        raise ValueError(f"cannot choose {number} of {len(objects)} images")
    target = _Target(objects, number, min_objects)
    generator = np.random.default_rng(seed)
    starts = min(max(4096 // len(objects), 1), _STARTS)
    found = [_improved_draw(target, len(objects), number, generator) for _ in range(starts)]
    return np.sort(min(found, key=lambda pair: pair[0])[1])


def _improved_draw(
    target: "_Target", images: int, number: int, generator: np.random.Generator
) -> tuple[float, np.ndarray]:
    """The cost and the indices of a random draw after swaps, while any lowers its cost."""
    order = _with_rare_classes_first(target, generator.permutation(images), number)
    inside, outside = order[:number], order[number:]
    totals = target.features[inside].sum(axis=0)
    best, idle = target.cost(totals), 0
    while idle < _PATIENCE and len(outside):
        leaving = generator.permutation(number)[:_BLOCK]
        entering = generator.permutation(len(outside))[:_BLOCK]
        lost, gained = target.features[inside[leaving]], target.features[outside[entering]]
        swapped = totals - lost[:, None] + gained
        costs = target.cost(swapped)
        out, into = np.unravel_index(costs.argmin(), costs.shape)
        if costs[out, into] < best - 1e-9:
            best, idle = costs[out, into], 0
            totals = swapped[out, into]
            out, into = leaving[out], entering[into]
            inside[out], outside[into] = outside[into], inside[out]
        elif number <= _BLOCK and len(outside) <= _BLOCK:  # every swap has been tried
            break
        else:
            idle += 1
    return float(best), inside


def _with_rare_classes_first(target: "_Target", order: np.ndarray, number: int) -> np.ndarray:
    """The order with images in front that hold enough of every class, the rarest class first.

    In a large set the few holders of a rare class would hardly ever be tried by swaps.
    """
    counts, wanted = target.features[order, :-4], target.wanted
    front: list[int] = []
    totals = np.zeros_like(wanted)
    for column in np.argsort(target.full[:-4], kind="stable"):
        holders = np.flatnonzero(counts[:, column])
        while totals[column] < wanted[column] and len(front) < number:
            holders = np.setdiff1d(holders, front)
            missing = totals < wanted
            most = (counts[holders][:, missing] > 0).sum(axis=1).argmax()
            front.append(int(holders[most]))
            totals += counts[front[-1]]
    rest = np.ones(len(order), bool)
    rest[front] = False
    return np.concatenate([order[front], order[rest]])


def distance(objects: np.ndarray, chosen: np.ndarray) -> Distance:
    """How far the images `chosen` are from all; `objects` as in `representative_images`."""
    target = _Target(objects, len(chosen), 0)
    return Distance(*map(float, target.parts(target.features[chosen].sum(axis=0))))


class _Target:
    """What a subset's totals should be, over features: classes, three sizes, empty images."""

    def __init__(self, objects: np.ndarray, number: int, min_objects: int) -> None:
        empty = objects.sum(axis=(1, 2), keepdims=True)[..., 0] == 0
        parts = (objects.sum(axis=2), objects.sum(axis=1), empty)
        self.features = np.concatenate(parts, axis=1).astype(np.float64)
        self.number = number
        self.full = self.features.sum(axis=0)
        self.per_image = self.full / len(objects)
        in_several = (parts[0] > 0).sum(axis=0) > 1
        self.wanted = np.where(in_several, np.minimum(self.full[:-4], min_objects), 0)

    def parts(self, totals: np.ndarray) -> tuple[np.ndarray, ...]:
        """The fields of Distance for totals (..., features)."""
        classes, sizes, empty = totals[..., :-4], totals[..., -4:-1], totals[..., -1]
        objects = sizes.sum(axis=-1)
        wanted = self.per_image[-4:-1].sum() * self.number
        return (
            _variation(classes, self.full[:-4]),
            _variation(sizes, self.full[-4:-1]),
            np.minimum(np.abs(objects / max(wanted, 1e-9) - 1), 1),
            np.abs(empty / self.number - self.per_image[-1]),
        )

    def cost(self, totals: np.ndarray) -> np.ndarray:
        """The weighted distances; each missing object outweighs them all."""
        missing = np.maximum(self.wanted - totals[..., :-4], 0).sum(axis=-1)
        weighted = zip(_WEIGHTS, self.parts(totals), strict=True)
        return 10 * missing + sum(weight * part for weight, part in weighted)


def _variation(counts: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Total-variation distance of distributions (..., n) to one (n); 1 where one has no count."""
    totals = counts.sum(axis=-1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    differences = np.abs(shares - reference / max(reference.sum(), 1)).sum(axis=-1) / 2
    return np.where((totals[..., 0] > 0) == (reference.sum() > 0), differences, 1.0)
