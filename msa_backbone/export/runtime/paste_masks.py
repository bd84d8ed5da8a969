"""Masks of 28 x 28 values inside boxes, brought into the picture, in numpy."""

from collections.abc import Sequence

import numpy as np


def paste_masks(
    masks: np.ndarray, boxes: np.ndarray, size: Sequence[int], threshold: float
) -> np.ndarray:
    """Which pixels of a picture belong to each instance.

    A mask's values belong to the centres of its cells, and its border is zeros. Between them it is
    interpolated bilinearly, as in mmdet and in https://arxiv.org/abs/1703.06870, section 3.1.

    Args:
        masks: probabilities, (K, S, S).
        boxes: (x1, y1, x2, y2) in pixels, (K, 4).
        size: height and width of the picture.
        threshold: from which probability on.

    Returns:
        (K, height, width), bool.
    """
    height, width = size
    pasted = np.zeros((len(masks), height, width), bool)
    for mask, (x1, y1, x2, y2), out in zip(masks, boxes, pasted, strict=True):
        left, top = (max(int(np.floor(start)) - 1, 0) for start in (x1, y1))
        right, bottom = int(np.ceil(x2)) + 1, int(np.ceil(y2)) + 1
        columns = np.arange(left, min(right, width))
        rows = np.arange(top, min(bottom, height))
        by_row = _weights(rows, y1, y2, mask.shape[0])
        by_column = _weights(columns, x1, x2, mask.shape[1])
        values = by_row @ mask @ by_column.T
        out[rows[:, None], columns] = values >= threshold
    return pasted


def _weights(pixels: np.ndarray, start: float, end: float, cells: int) -> np.ndarray:
    """How much each of a mask's cells counts for each pixel, (pixels, cells)."""
    extent = max(end - start, np.finfo(np.float32).tiny)
    places = (pixels + np.float32(0.5) - start) / extent * cells - np.float32(0.5)
    return np.clip(1 - np.abs(places[:, None] - np.arange(cells)), 0, None).astype(np.float32)
