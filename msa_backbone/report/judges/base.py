"""What judges of all tasks have in common, and which images are the best and the worst."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from mmengine.structures import BaseDataElement

from ..contents import Findings
from ..curves_and_confusion import Curve, f1


@dataclass
class Judged:
    """An image and how well the model did on it.

    Attributes:
        index: in the data set.
        score: NaN where there is nothing to judge by.
        weight: of two images with the same score, the heavier one comes first.
        words: what was found.
        sample: truth and prediction, to draw; on the CPU.
        guesses: of a classifier, classes with their probabilities, the highest first.
    """

    index: int
    score: float
    weight: float
    words: str
    sample: BaseDataElement
    guesses: tuple[tuple[str, float], ...] = ()


class Ranking:
    """Finds the best and the worst images, and keeps no others in memory.

    Args:
        most: how many of the best, and of the worst.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.judged = 0
        self.best: list[Judged] = []
        self.worst: list[Judged] = []

    def add(self, judged: Judged) -> None:
        """Let an image compete."""
        if np.isnan(judged.score):
            return
        self.judged += 1
        self.best = _first([*self.best, judged], -1, self.most)
        # Twice as many: where scores are equal, half of them may be among the best.
        self.worst = _first([*self.worst, judged], 1, 2 * self.most)

    def best_and_worst(self) -> tuple[list[Judged], list[Judged]]:
        """The best images, at most half of all, and the worst of the others."""
        best = self.best[: -(-self.judged // 2)]
        shown = {judged.index for judged in best}
        others = [judged for judged in self.worst if judged.index not in shown]
        return best, others[: self.most]


def _first(images: list[Judged], sign: int, most: int) -> list[Judged]:
    images.sort(key=lambda judged: (sign * judged.score, -judged.weight, judged.index))
    return images[:most]


class Judge(ABC):
    """Takes in the images of an evaluation one by one, and says at the end what it found.

    Args:
        classes: names.
        score_thr: lowest score of a box that counts as found.

    Attributes:
        ranked_by: what the images' scores are.
    """

    ranked_by: str

    def __init__(self, classes: tuple[str, ...], score_thr: float) -> None:
        self.classes = classes
        self.score_thr = score_thr

    @abstractmethod
    def judge(self, index: int, sample: BaseDataElement, info: Mapping) -> Judged:
        """Take in an image.

        Args:
            index: in the data set.
            sample: the model's output for it.
            info: what the data set knows of it (`get_data_info`).

        Raises:
            ValueError: if the sample is of another kind.
        """

    @abstractmethod
    def findings(self) -> Findings:
        """What was found out over all images."""


def class_rates(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall, F1 and IoU of every class, in 0..1, NaN where there is nothing to count.

    Args:
        matrix: (classes, classes) counts, true classes in rows.
    """
    correct, true, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "precision": correct / predicted,
            "recall": correct / true,
            "F1": np.array([f1(*row) for row in zip(correct, predicted, true, strict=True)]),
            "IoU": correct / (true + predicted - correct),
        }


def averages(curves: list[Curve]) -> np.ndarray:
    """The average precision of every class, (classes,)."""
    return np.array([curve.average for curve in curves])
