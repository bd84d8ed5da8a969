"""Data samples drawn on pictures by the toolbox's own visualizer."""

import copy
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import VISUALIZERS
from mmengine.structures import BaseDataElement
from mmengine.visualization import Visualizer
from torch import Tensor

from ..visualization.pictures import read_picture, save_grid

TEXT_SIDE = 320
"""Shorter side, in pixels, of a picture that names its class."""


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
        RGB, (H, W or 2 W, 3) uint8, with classes as text in a larger picture; None if the
        visualizer draws no samples, as mmengine's own.
    """
    if hasattr(visualizer, "visualize_cls"):  # mmpretrain's
        shown = options.get("draw_pred", True)
        return visualizer.visualize_cls(
            picture, sample, draw_pred=shown, resize=TEXT_SIDE, out_file=str(scratch)
        )
    known = inspect.signature(visualizer.add_datasample).parameters
    if "out_file" not in known:
        return None
    options = {name: value for name, value in options.items() if name in known}
    visualizer.add_datasample("sample", picture, sample, out_file=str(scratch), **options)
    return read_picture(scratch)


def draw_truths(
    cfg: Config,
    metainfo: Mapping,
    samples: Sequence[tuple[Tensor, BaseDataElement]],
    out_file: Path,
) -> None:
    """Draw images as the training pipeline made them, with their truth, on one grid.

    Args:
        cfg: its visualizer draws.
        metainfo: of the dataset: the classes' names and colours.
        samples: images, (3, H, W) BGR in 0..255, and their data samples.
        out_file: the PNG.
    """
    visualizer = VISUALIZERS.build(dict(cfg.visualizer, name="truth", vis_backends=None))
    visualizer.dataset_meta = metainfo
    pictures = []
    for image, sample in samples:
        picture = image.permute(1, 2, 0).numpy()[..., ::-1].astype(np.uint8)  # loaded as BGR
        sample = copy.deepcopy(sample)
        boxes = sample.gt_instances.bboxes if "gt_instances" in sample else None
        if hasattr(boxes, "tensor"):  # mmdet's box type, which its visualizer does not take
            sample.gt_instances.bboxes = boxes.tensor
        picture = np.ascontiguousarray(picture)
        drawn = draw_sample(visualizer, picture, sample, out_file, draw_pred=False)
        pictures.append(picture if drawn is None else drawn)
    save_grid(pictures, out_file, columns=min(len(pictures), 4))
