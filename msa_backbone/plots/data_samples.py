"""Data samples drawn on pictures by the toolbox's own visualizer."""

import copy
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import VISUALIZERS
from mmengine.structures import BaseDataElement, PixelData
from mmengine.visualization import Visualizer
from PIL import Image
from torch import Tensor

from ..files.images import read_image
from .grid import save_grid

TEXT_SIDE = 320
"""Shorter side, in pixels, below which the name of a class has no room in a picture."""


def draw_sample(
    visualizer: Visualizer,
    picture: np.ndarray,
    sample: BaseDataElement,
    scratch: Path,
    text_side: int = TEXT_SIDE,
    **options: float | bool,
) -> np.ndarray | None:
    """The picture with the sample's truth, and its predictions beside it.

    Args:
        picture: RGB, (H, W, 3) uint8.
        scratch: an image file that is written over.
        text_side: the shorter side, in pixels, of a picture that names its class.
        options: of the visualizer's `add_datasample`; those it does not know are left out.

    Returns:
        RGB, (H, W or 2 W, 3) uint8, with classes as text in a larger picture; None if the
        visualizer draws no samples, as mmengine's own.
    """
    if hasattr(visualizer, "visualize_cls"):  # mmpretrain's
        shown = options.get("draw_pred", True)
        return visualizer.visualize_cls(
            picture, sample, draw_pred=shown, resize=text_side, out_file=str(scratch)
        )
    known = inspect.signature(visualizer.add_datasample).parameters
    if "out_file" not in known:
        return None
    options = {name: value for name, value in options.items() if name in known}
    visualizer.add_datasample("sample", picture, sample, out_file=str(scratch), **options)
    return read_image(scratch)


def scaled(
    picture: np.ndarray, sample: BaseDataElement, side: int
) -> tuple[np.ndarray, BaseDataElement]:
    """A picture at this longer side, and its data sample with boxes and masks to fit.

    Args:
        picture: RGB, (H, W, 3) uint8.
        sample: truth and predictions; its masks are (N, H, W) tensors.
        side: in pixels.
    """
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    picture = np.asarray(Image.fromarray(picture).resize(shape[::-1], Image.Resampling.BILINEAR))
    sample = sample.clone()
    for name in ("gt_instances", "pred_instances"):
        if name in sample:
            instances = getattr(sample, name).clone()
            if "bboxes" in instances:  # where nobody knows the truth, it is empty
                instances.bboxes = instances.bboxes * scale
            if "masks" in instances:  # also none at all, (0, H, W)
                masks = instances.masks[:, None].float()
                instances.masks = F.interpolate(masks, shape)[:, 0] > 0.5
            setattr(sample, name, instances)
    for name in ("gt_sem_seg", "pred_sem_seg"):
        if name in sample:
            labels = getattr(sample, name).data[None].float()
            delattr(sample, name)
            setattr(sample, name, PixelData(data=F.interpolate(labels, shape)[0].long()))
    if "seg_logits" in sample:
        del sample.seg_logits
    return picture, sample


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
