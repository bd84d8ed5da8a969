"""Non-maximum suppression, greedy and soft."""

import numpy as np
import torch
from torch import Tensor

from .precision import float32_if_16bit

NAIVE, LINEAR, GAUSSIAN = 0, 1, 2  # mmcv's codes of soft_nms's `method`


def nms(bboxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Greedy non-maximum suppression.

    Args:
        bboxes: boxes (x1, y1, x2, y2) in pixels, shape (N, 4).
        scores: shape (N,).
        iou_threshold: a box is dropped if its IoU with a kept box of higher score exceeds this.
        offset: 0 or 1; the width of a box is x2 - x1 + offset, and so its height.

    Returns:
        int64 indices of the kept boxes by decreasing score, shape (K,).
    """
    bboxes, scores = float32_if_16bit(bboxes, scores)
    if offset:
        bboxes = bboxes + bboxes.new_tensor([0, 0, offset, offset])
    return torch.ops.torchvision.nms(bboxes, scores, iou_threshold)


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Soft-NMS (Bodla et al., https://arxiv.org/abs/1704.04503): overlapping boxes lose score.

    Args:
        boxes: (x1, y1, x2, y2) in pixels, shape (N, 4), on the CPU, where mmcv brings them.
        scores: shape (N,).
        dets: shape (N, 5); the boxes that are left and their scores are written into its first
            K rows, by decreasing score.
        iou_threshold: for `method` 0 and 1, the IoU from which on a score falls.
        sigma: for `method` 2.
        min_score: a box whose score falls below this is dropped; the best one stays.
        method: a score is multiplied by 0, by 1 - IoU, or by exp(-IoU² / sigma).
        offset: 0 or 1; the width of a box is x2 - x1 + offset, and so its height.

    Returns:
        int64 indices of the boxes that are left, shape (K,).
    """
    box, score = (t.detach().numpy().copy() for t in float32_if_16bit(boxes, scores))
    size = box.dtype.type(offset)
    area = (box[:, 2:] - box[:, :2] + size).prod(1)
    rest = np.arange(len(box))  # the boxes that are neither kept nor dropped yet
    kept: list[int] = []
    while len(rest):
        best = score[rest].argmax()
        chosen = rest[best]
        kept.append(int(chosen))
        rest = np.delete(rest, best)
        upper_left = np.maximum(box[rest, :2], box[chosen, :2])
        lower_right = np.minimum(box[rest, 2:], box[chosen, 2:])
        intersection = (lower_right - upper_left + size).clip(min=0).prod(1)
        union = area[rest] + area[chosen] - intersection
        # Two boxes without area do not overlap.
        iou = np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)
        if method == GAUSSIAN:
            score[rest] *= np.exp(-(iou**2) / sigma)
        else:
            factor = 0 * iou if method == NAIVE else 1 - iou
            score[rest] *= np.where(iou >= iou_threshold, factor, 1)
        rest = rest[score[rest] >= min_score]
    indices = torch.tensor(kept, dtype=torch.int64)
    dets[: len(kept), :4] = boxes[indices]
    dets[: len(kept), 4] = torch.from_numpy(score)[indices]
    return indices
