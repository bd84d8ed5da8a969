"""The classes of a picture's pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .drawing import Label, draw_labels, draw_mask
from .result import Result


@dataclass(frozen=True)
class Segmentation(Result):
    """A class for each pixel.

    Attributes:
        labels: (H, W), uint8.
        logits: (classes, H, W), or (1, H, W) of two classes.
        classes: names, by label.
        palette: colours, (R, G, B) in 0..255, by label.
        threshold: of one channel of logits: above which probability a pixel has class 1.
    """

    labels: np.ndarray
    logits: np.ndarray
    classes: Sequence[str]
    palette: Sequence[tuple[int, int, int]]
    threshold: float = 0.5

    @property
    def shares(self) -> dict[str, float]:
        """Which part of the pixels each class has, of those that are there."""
        counts = np.bincount(self.labels.ravel(), minlength=len(self.classes))
        named = zip(self.classes, counts, strict=False)
        return {name: round(int(n) / self.labels.size, 4) for name, n in named if n}

    def words(self) -> str:
        return f"{len(self.shares)} classes"

    def record(self) -> dict:
        return {"shares": self.shares}

    def draw(self, picture: np.ndarray) -> np.ndarray:
        drawn, labels = picture, []
        for label in np.unique(self.labels):
            mask, colour = self.labels == label, tuple(self.palette[label])
            drawn = draw_mask(drawn, mask, colour)
            rows, columns = np.nonzero(mask)
            middle = len(rows) // 2  # a pixel of the class, so the name lies on it
            labels.append(Label(self.classes[label], (columns[middle], rows[middle]), colour))
        return draw_labels(drawn, labels)
