"""Boxes as tensor functions that export: decoding, and suppression of those that overlap.

mmdet does the same in lists and structures, with branches that look at how many boxes there are. A
graph has no such branches, so everything here also holds for no box at all.
"""

import math

import torch
from mmengine.config import ConfigDict
from torch import Tensor
from torchvision.ops import nms


def decode_boxes(coder: object, anchors: Tensor, deltas: Tensor, size: Tensor) -> Tensor:
    """Move and scale boxes, as mmdet's DeltaXYWHBBoxCoder does, and clip them to the picture.

    Source: https://arxiv.org/abs/1311.2524, appendix C.

    Args:
        coder: mmdet's DeltaXYWHBBoxCoder, for its settings.
        anchors: (x1, y1, x2, y2) in pixels, (N, 4).
        deltas: shifts of the centre and logarithms of the scales, (N, 4).
        size: height and width of the picture, (2,).

    Returns:
        (N, 4), in pixels.
    """
    deltas = deltas * deltas.new_tensor(coder.stds) + deltas.new_tensor(coder.means)
    widest = abs(math.log(16 / 1000))  # mmdet's wh_ratio_clip
    shift, scale = deltas[:, :2], deltas[:, 2:].clamp(-widest, widest).exp()
    centre = (anchors[:, :2] + anchors[:, 2:]) * 0.5
    sides = anchors[:, 2:] - anchors[:, :2]
    centre, half = centre + sides * shift, sides * scale * 0.5
    boxes = torch.cat([centre - half, centre + half], dim=1)
    if not coder.clip_border:
        return boxes
    limit = size.flip(0).repeat(2).to(boxes)  # width, height, width, height
    return torch.minimum(boxes.clamp(min=0), limit)


def suppress(
    boxes: Tensor, scores: Tensor, groups: Tensor, cfg: ConfigDict, most: int | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The best boxes: of two in one group that overlap too much only the better one.

    Args:
        boxes: (x1, y1, x2, y2), (N, 4), not below 0.
        scores, groups: (N,); a group is a class, or a level of a pyramid.
        cfg: mmdet's settings of non-maximum suppression, of type 'nms'.
        most: how many are kept; None for all.

    Returns:
        Boxes, scores and groups of what is kept, the best first.
    """
    apart = boxes
    if not cfg.get("class_agnostic", False):
        # Groups are moved so far from each other that they do not overlap. The 0 is for no box.
        step = torch.cat([boxes.flatten(), boxes.new_zeros(1)]).max() + 1
        apart = boxes + (groups.to(boxes) * step)[:, None]
    kept = nms(apart, scores, cfg["iou_threshold"])[:most]
    return boxes[kept], scores[kept], groups[kept]


def large_enough(boxes: Tensor, least: float) -> Tensor:
    """Indices of the boxes that are wider and higher than `least`, (K,); all for a negative one."""
    sides = boxes[:, 2:] - boxes[:, :2]
    fits = (sides > least).all(dim=1) if least >= 0 else torch.ones_like(sides[:, 0], dtype=bool)
    return fits.nonzero()[:, 0]
