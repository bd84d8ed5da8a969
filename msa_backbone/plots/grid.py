"""Pictures on a grid."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def save_grid(pictures: Sequence[np.ndarray], out_file: Path, columns: int, gap: int = 6) -> None:
    """Save RGB pictures, (H, W, 3) uint8 of any sizes, on a white grid.

    Cells have the size of the largest picture; smaller ones sit in their top left corner.
    """
    rows = -(-len(pictures) // columns)
    height = max(picture.shape[0] for picture in pictures) + gap
    width = max(picture.shape[1] for picture in pictures) + gap
    canvas = np.full((rows * height - gap, columns * width - gap, 3), 255, dtype=np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * height, number % columns * width
        canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    Image.fromarray(canvas).save(out_file)
