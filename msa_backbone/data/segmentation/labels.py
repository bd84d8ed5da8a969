"""The classes of a mask's pixels, as training sees them."""

from pathlib import Path

import numpy as np

from ..formats.index_masks import IGNORE_INDEX
from ..formats.masks.colours import read_mask
from .find import SegmentationData


def labels_in(mask: Path, data: SegmentationData) -> np.ndarray:
    """The class of every pixel, (H, W) uint8; `IGNORE_INDEX` where it has none.

    Raises:
        DataError: for a mask that cannot be read.
    """
    values = read_mask(mask, data.colours)
    labels = np.full(values.shape, IGNORE_INDEX, np.uint8)
    for value, label in data.label_map.items():
        labels[values == value] = label
    return labels
