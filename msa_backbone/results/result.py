"""What all results can do, and what gives them."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

Picture = np.ndarray | Mapping[str, np.ndarray]
"""RGB, (H, W, 3) uint8; of several cameras what the model's own `read` gives, or (H, W, C) each, by
name, colours as RGB."""


class Result(ABC):
    """What a model found in one picture."""

    def above(self, least: float | Sequence[float]) -> "Result":
        """Without what scores below; for each class a score of its own, or one for all."""
        return self

    @abstractmethod
    def words(self) -> str:
        """In a few words."""

    @abstractmethod
    def record(self) -> dict:
        """What json says of the picture, beside its name and size."""

    def records(self) -> list[dict]:
        """Of each object what COCO's json says, but for its number and its picture's."""
        return []

    @abstractmethod
    def draw(self, picture: np.ndarray) -> np.ndarray:
        """Drawn on the picture: RGB, (H, W, 3) uint8, or larger where words go below it."""


class PictureModel(Protocol):
    """What predicts on pictures: a checkpoint, or an exported file.

    Attributes:
        task: in words, as `tasks.Task.title` has it.
        classes: their names, by label.
        modalities: the cameras, the reference first, and where their files lie; empty for one; can
            be set.
        absent: names of the cameras that are not read.
        questions: to ask about every picture, where it answers them; can be set.
        thresholds: the least score of each class that counts; None where nobody has found them.
    """

    task: str
    classes: Sequence[str]
    modalities: Sequence
    absent: Collection[str]
    questions: Sequence[str]
    thresholds: Sequence[float] | None

    def read(self, path: Path) -> Picture:
        """A picture from its file; of several cameras from all their files."""

    def views(self, picture: Picture) -> Mapping[str, np.ndarray]:
        """What people see of it: RGB, (H, W, 3) uint8, one for each camera, by name."""

    def find(self, pictures: Sequence[Picture], names: Sequence[str]) -> list[Result]:
        """What is in the pictures, in their own pixels."""
