"""Objects that were found: boxes with scores and classes, and masks where there are any."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .drawing import Label, draw_boxes, draw_labels, draw_mask
from .result import Result
from .run_lengths import run_lengths


@dataclass(frozen=True)
class Objects(Result):
    """The objects in a picture, those with the highest scores first.

    Attributes:
        boxes: (x1, y1, x2, y2) in pixels, (K, 4).
        scores, labels: (K,).
        classes: names, by label.
        palette: colours, (R, G, B) in 0..255, by label.
        masks: (K, H, W), bool; None for boxes alone.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    classes: Sequence[str]
    palette: Sequence[tuple[int, int, int]]
    masks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def names(self) -> list[str]:
        """The class of each object."""
        return [self.classes[label] for label in self.labels]

    def chosen(self, which: np.ndarray) -> "Objects":
        """Some of the objects, by their numbers or by flags."""
        masks = None if self.masks is None else self.masks[which]
        boxes, scores, labels = self.boxes[which], self.scores[which], self.labels[which]
        return replace(self, boxes=boxes, scores=scores, labels=labels, masks=masks)

    def counting(self, least: float | Sequence[float]) -> np.ndarray:
        """Which have the least score, or more, or that of their class; (K,) bool."""
        limits = np.broadcast_to(np.asarray(least, float), len(self.classes))
        return self.scores >= limits[self.labels]

    def above(self, least: float | Sequence[float]) -> "Objects":
        return self.chosen(self.counting(least))

    def words(self) -> str:
        return f"{len(self)} objects"

    def record(self) -> dict:
        return {}

    def records(self) -> list[dict]:
        """COCO's `bbox`, `category_id` (from 1), `score`, `area`, `segmentation`, `iscrowd`."""
        found = []
        for number, (left, top, right, bottom) in enumerate(self.boxes.astype(float)):
            record = {
                "category_id": int(self.labels[number]) + 1,
                "bbox": [round(v, 2) for v in (left, top, right - left, bottom - top)],
                "area": round((right - left) * (bottom - top), 2),
                "iscrowd": 0,
                "score": round(float(self.scores[number]), 4),
            }
            if self.masks is not None:
                mask = self.masks[number]
                record |= {"area": int(mask.sum()), "segmentation": run_lengths(mask)}
            found.append(record)
        return found

    def draw(self, picture: np.ndarray) -> np.ndarray:
        colours = [self.palette[label] for label in self.labels]
        drawn = picture
        for mask, colour in zip(() if self.masks is None else self.masks, colours, strict=False):
            drawn = draw_mask(drawn, mask, colour)
        drawn = draw_boxes(drawn, self.boxes, colours)
        labels = [
            Label(f"{name} {score:.0%}", (box[0], box[1]), colour)
            for name, score, box, colour in zip(
                self.names, self.scores, self.boxes, colours, strict=True
            )
        ]
        return draw_labels(drawn, labels)
