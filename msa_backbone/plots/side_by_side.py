"""Pictures beside one another."""

from collections.abc import Sequence

import numpy as np

GAP = 6
"""White pixels between the pictures of a scene."""


def side_by_side(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """RGB pictures of one height in one, (H, W, 3) uint8."""
    between = np.full((len(pictures[0]), GAP, 3), 255, np.uint8)
    return np.concatenate([p for picture in pictures for p in (picture, between)][:-1], axis=1)
