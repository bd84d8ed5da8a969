"""Pictures on a grid, and beside one another."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

GAP = 6
"""White pixels between the pictures of a scene."""


def save_grid(pictures: Sequence[np.ndarray], out_file: Path, columns: int, gap: int = GAP) -> None:
    """Save RGB pictures, (H, W, 3) uint8 of any sizes, in rows of equal width.

    Cells of one size would leave holes beside pictures of other sizes. So the pictures of a row are
    scaled to one height at which they fill the row: only the gaps between them are white.

    Args:
        pictures: at least one.
        out_file: the PNG.
        columns: pictures in a row, about: all rows have the same number, or one more.
        gap: between pictures, in pixels.
    """
    count = max(1, math.ceil(len(pictures) / columns - 0.5))
    rows = [[pictures[i] for i in part] for part in np.array_split(range(len(pictures)), count)]
    width = round(np.mean([_natural_width(row, gap) for row in rows]))
    strips = [_strip(row, width, gap) for row in rows]
    between = np.full((gap, width, 3), 255, dtype=np.uint8)
    parts = [part for strip in strips for part in (strip, between)][:-1]
    Image.fromarray(np.concatenate(parts)).save(out_file)


def side_by_side(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """RGB pictures of one height in one, (H, W, 3) uint8."""
    between = np.full((len(pictures[0]), GAP, 3), 255, np.uint8)
    return np.concatenate([p for picture in pictures for p in (picture, between)][:-1], axis=1)


def _natural_width(row: Sequence[np.ndarray], gap: int) -> float:
    """The width of a row that has the height of its highest picture."""
    height = max(len(picture) for picture in row)
    return height * sum(_aspect(picture) for picture in row) + gap * (len(row) - 1)


def _strip(row: Sequence[np.ndarray], width: int, gap: int) -> np.ndarray:
    """Pictures side by side, scaled to fill the width."""
    aspects = np.array([_aspect(picture) for picture in row])
    free = max(width - gap * (len(row) - 1), len(row))
    height = max(1, round(free / aspects.sum()))
    edges = np.rint(free * np.cumsum([0, *aspects]) / aspects.sum()).astype(int)
    strip = np.full((height, width, 3), 255, dtype=np.uint8)
    for number, (picture, left, right) in enumerate(zip(row, edges[:-1], edges[1:], strict=True)):
        size = max(1, right - left), height
        scaled = Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR)
        strip[:, left + number * gap :][:, : size[0]] = scaled
    return strip


def _aspect(picture: np.ndarray) -> float:
    return picture.shape[1] / picture.shape[0]
