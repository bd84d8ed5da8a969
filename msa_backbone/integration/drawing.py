"""Data samples drawn on pictures by the toolbox's own visualizer."""

import inspect
from pathlib import Path

import numpy as np
from mmengine.structures import BaseDataElement
from mmengine.visualization import Visualizer

from ..visualization.pictures import read_picture


def draw_sample(
    visualizer: Visualizer,
    picture: np.ndarray,
    sample: BaseDataElement,
    scratch: Path,
    **options: float | bool,
) -> np.ndarray | None:
    """The picture with the sample's truth, and its predictions beside it.

    Args:
        picture: RGB, (H, W, 3) uint8.
        scratch: an image file that is written over.
        options: of the visualizer's `add_datasample`; those it does not know are left out.

    Returns:
        RGB, (H, W or 2 W, 3) uint8; None if the visualizer draws no samples, as mmengine's own.
    """
    known = inspect.signature(visualizer.add_datasample).parameters
    if "out_file" not in known:
        return None
    options = {name: value for name, value in options.items() if name in known}
    visualizer.add_datasample("sample", picture, sample, out_file=str(scratch), **options)
    return read_picture(scratch)
