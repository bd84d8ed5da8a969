"""Pictures of one camera or of several, cut alike."""

from collections.abc import Mapping

import numpy as np

from .result import Picture


def size_of(picture: Picture) -> tuple[int, int]:
    """Height and width."""
    if isinstance(picture, Mapping):
        picture = next(iter(picture.values()))
    return picture.shape[:2]


def cut(picture: Picture, box: tuple[int, int, int, int]) -> Picture:
    """A part of a picture, (left, top, right, bottom) in pixels; of several cameras of each."""
    if isinstance(picture, Mapping):
        return {name: cut(values, box) for name, values in picture.items()}
    left, top, right, bottom = box
    return np.ascontiguousarray(picture[top:bottom, left:right])
