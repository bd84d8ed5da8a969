"""Data samples drawn on pictures by the toolbox's own visualizer."""

import copy
import inspect
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import VISUALIZERS
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from mmengine.visualization import Visualizer
from PIL import Image
from torch import Tensor

from ..config_nodes import type_name
from ..files.images import read_image
from ..files.loaded_modalities import loaded_modalities
from ..palette import with_palette
from ..tasks import task_of
from .grid import save_grid, side_by_side
from .label_placement import labels_apart
from .modality_pictures import modality_pictures
from .words_below import sentences_of, words_below

TEXT_SIDE = 320
"""Shorter side, in pixels, below which the name of a class has no room in a picture."""


def build_visualizer(cfg: Config, name: str, metainfo: Mapping) -> Visualizer:
    """The config's visualizer, or its toolbox's own where the config has none that draws samples.

    Args:
        name: by which mmengine knows the visualizer.
        metainfo: of a dataset: the classes' names and colours.
    """
    chosen = cfg.get("visualizer") or {}
    if type_name(chosen) in (None, "Visualizer"):  # mmengine's draws no samples
        chosen = {"type": task_of(cfg).visualizer}
    visualizer = VISUALIZERS.build(dict(chosen, name=name, vis_backends=None))
    visualizer.dataset_meta = with_palette(metainfo)
    return visualizer


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
    shown = options.get("draw_pred", True)
    if lines := sentences_of(sample, options.get("draw_gt", True), shown):
        return words_below(picture, lines, text_side)
    if hasattr(visualizer, "visualize_cls"):  # mmpretrain's
        return visualizer.visualize_cls(
            picture, sample, draw_pred=shown, resize=text_side, out_file=str(scratch)
        )
    known = inspect.signature(visualizer.add_datasample).parameters
    if "out_file" not in known:
        return None
    options = {name: value for name, value in options.items() if name in known}
    with labels_apart(visualizer), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*out of bounds")  # what is found may end outside
        visualizer.add_datasample("sample", picture, sample, out_file=str(scratch), **options)
    return read_image(scratch)


def scaled(
    picture: np.ndarray, sample: BaseDataElement, side: int
) -> tuple[np.ndarray, BaseDataElement]:
    """A picture at this longer side, and its data sample with boxes and masks to fit.

    Args:
        picture: RGB, (H, W, 3) uint8.
        sample: truth and predictions; its masks are (N, H, W) tensors or mmdet's.
        side: in pixels.
    """
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    picture = np.asarray(Image.fromarray(picture).resize(shape[::-1], Image.Resampling.BILINEAR))
    sample = sample.clone()
    if "seg_logits" in sample:
        del sample.seg_logits
    for name, part in list(sample.items()):
        if isinstance(part, InstanceData):
            setattr(sample, name, _scaled_instances(part, scale, shape))
        elif isinstance(part, PixelData):
            fields = {key: _resized(torch.as_tensor(value), shape) for key, value in part.items()}
            setattr(sample, name, PixelData(metainfo=part.metainfo, **fields))
    return picture, sample


def _scaled_instances(
    instances: InstanceData, scale: float, shape: tuple[int, int]
) -> InstanceData:
    instances = instances.clone()
    if "bboxes" in instances:  # where nobody knows the truth, it is empty
        instances.bboxes = instances.bboxes * scale
    if "masks" in instances:  # also none at all, (0, H, W)
        masks = instances.masks
        if not isinstance(masks, Tensor):  # mmdet's bitmaps or polygons
            masks = masks.to_tensor(torch.bool, "cpu")
        instances.masks = _resized(masks[:, None], shape)[:, 0]
    return instances


def _resized(values: Tensor, shape: tuple[int, int]) -> Tensor:
    """Values of pixels, (..., H, W), at another size: each is the value of the nearest one."""
    batch = values.reshape(-1, 1, *values.shape[-2:]).float()
    return F.interpolate(batch, shape).view(*values.shape[:-2], *shape).to(values.dtype)


def draw_truths(
    cfg: Config,
    metainfo: Mapping,
    samples: Sequence[tuple[Tensor, BaseDataElement]],
    out_file: Path,
) -> None:
    """Draw images as the training pipeline made them, with their truth, on one grid.

    Of several modalities, the pictures of a scene are side by side, each with the truth.

    Args:
        cfg: its visualizer draws; it tells the modalities.
        metainfo: of the dataset: the classes' names and colours.
        samples: images, (3, H, W) BGR in 0..255, or stacks as `read_stack` has them but with the
            channels first; and their data samples.
        out_file: the PNG.
    """
    modalities = loaded_modalities(cfg)
    visualizer = build_visualizer(cfg, "truth", metainfo)
    pictures = []
    for image, sample in samples:
        stack = image.permute(1, 2, 0).numpy()
        views = [stack[..., ::-1].astype(np.uint8)]  # loaded as BGR
        if modalities:
            views = modality_pictures(stack, modalities).values()
        sample = copy.deepcopy(sample)
        boxes = sample.gt_instances.bboxes if "gt_instances" in sample else None
        if hasattr(boxes, "tensor"):  # mmdet's box type, which its visualizer does not take
            sample.gt_instances.bboxes = boxes.tensor
        drawn = []
        for view in map(np.ascontiguousarray, views):
            truth = draw_sample(visualizer, view, sample, out_file, draw_pred=False)
            drawn.append(view if truth is None else truth)
        pictures.append(side_by_side(drawn))
    columns = 2 if len(modalities) > 1 else 4
    save_grid(pictures, out_file, columns=min(len(pictures), columns))
