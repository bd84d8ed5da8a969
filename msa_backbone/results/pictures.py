"""Pictures of one camera or of several, cut alike."""

from collections.abc import Mapping

import numpy as np

from ..errors import DataError
from .result import Picture


def size_of(picture: Picture) -> tuple[int, int]:
    """Height and width.

    Raises:
        DataError: for cameras of which each has its own.
    """
    if not isinstance(picture, Mapping):
        return picture.shape[:2]
    sizes = {name: values.shape[:2] for name, values in picture.items()}
    if len(set(sizes.values())) > 1:
        named = ", ".join(f"{name} {width} x {height}" for name, (height, width) in sizes.items())
        raise DataError(f"pictures of several sizes: {named} pixels; bring them into one frame")
    return next(iter(sizes.values()))


def cut(picture: Picture, box: tuple[int, int, int, int]) -> Picture:
    """A part of a picture, (left, top, right, bottom) in pixels; of several cameras of each."""
    if isinstance(picture, Mapping):
        return {name: cut(values, box) for name, values in picture.items()}
    left, top, right, bottom = box
    return np.ascontiguousarray(picture[top:bottom, left:right])
