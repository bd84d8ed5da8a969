"""From which score on an object counts: for each class that which finds the most, at least error.

A detector gives every box a score. Which scores are worth showing differs from class to class: rare
classes are found with low ones. So the best threshold of each class is found on the validation
pictures, and kept in the checkpoint.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

THRESHOLDS = "score_thresholds"
"""Their name in a checkpoint's `meta.dataset_meta`: a score by class."""

OVERLAP = 0.5
"""Intersection over union from which on a box has found an object."""


def read_thresholds(meta: Mapping, classes: Sequence[str]) -> tuple[float, ...] | None:
    """The thresholds in a checkpoint's `dataset_meta`, by label; None where there are none."""
    known = meta.get(THRESHOLDS)
    return tuple(float(known[name]) for name in classes) if known else None


@dataclass
class ThresholdFinder:
    """Collects boxes, picture by picture, and finds the thresholds.

    Args:
        classes: how many.
    """

    classes: int
    truths: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.truths = np.zeros(self.classes, int)
        self._found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(
        self,
        boxes: np.ndarray,
        scores: np.ndarray,
        labels: np.ndarray,
        true_boxes: np.ndarray,
        true_labels: np.ndarray,
        ignored: np.ndarray,
    ) -> None:
        """A picture's predictions, and what is there.

        Args:
            boxes, true_boxes: (x1, y1, x2, y2), (K, 4) and (M, 4).
            scores, labels, true_labels: (K,), (K,) and (M,).
            ignored: which of the true ones are crowds or difficult, (M,) bool. They need not be
                found, and a box that lies in one of its class is no mistake.
        """
        crowds, crowd_labels = true_boxes[ignored], true_labels[ignored]
        true_boxes, true_labels = true_boxes[~ignored], true_labels[~ignored]
        self.truths += np.bincount(true_labels, minlength=self.classes)
        right = np.zeros(len(scores), bool)
        overlaps = box_overlaps(boxes, true_boxes)
        overlaps[labels[:, None] != true_labels] = 0
        for index in np.argsort(-scores, kind="stable"):
            if overlaps.shape[1] and overlaps[index].max() >= OVERLAP:
                right[index] = True
                overlaps[:, overlaps[index].argmax()] = 0  # it is taken
        counts = right | ~lies_within(boxes, labels, crowds, crowd_labels)
        self._found.append((scores[counts], labels[counts], right[counts]))

    def best(self, default: float = 0.3) -> list[tuple[float, float]]:
        """The threshold of each class and the F1 that it gives.

        F1 = 2 right / (predicted + true). A threshold lies halfway between the lowest score that
        counts and the next one below. A class without a right box gets the default, and F1 0.
        """
        if not self._found:
            return [(default, 0.0)] * self.classes
        scores, labels, right = (np.concatenate(part) for part in zip(*self._found, strict=True))
        return [
            _best_of_class(scores[labels == c], right[labels == c], int(self.truths[c]), default)
            for c in range(self.classes)
        ]


def _best_of_class(
    scores: np.ndarray, right: np.ndarray, truths: int, default: float
) -> tuple[float, float]:
    if not right.any():
        return default, 0.0
    order = np.argsort(-scores, kind="stable")
    scores, right = scores[order], right[order]
    last = np.append(scores[1:] < scores[:-1], True)  # equal scores count together
    f1 = 2 * right.cumsum() / (np.arange(1, len(scores) + 1) + truths)
    best = int(np.where(last, f1, -1).argmax())
    below = scores[best + 1] if best + 1 < len(scores) else 0.0
    return float(scores[best] + below) / 2, float(f1[best])


def box_overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes, (x1, y1, x2, y2): (K, 4) and (M, 4) -> (K, M)."""
    both = _shared_areas(boxes, others)
    union = _areas(boxes)[:, None] + _areas(others)[None] - both
    return both / np.maximum(union, np.finfo(float).tiny)


def lies_within(
    boxes: np.ndarray, labels: np.ndarray, crowds: np.ndarray, crowd_labels: np.ndarray
) -> np.ndarray:
    """Which boxes lie with half of their area in a crowd of their class, (K,) bool.

    COCO's score counts these neither as right nor as wrong.

    Args:
        boxes, crowds: (x1, y1, x2, y2), (K, 4) and (M, 4).
        labels, crowd_labels: (K,) and (M,).
    """
    within = _shared_areas(boxes, crowds) >= OVERLAP * _areas(boxes)[:, None]
    return (within & (labels[:, None] == crowd_labels)).any(axis=1)


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)


def _shared_areas(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of the intersections, (K, M)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return (high - low).clip(min=0).prod(axis=2)
