"""How far an exported file's results are from those of the toolbox."""

from dataclasses import dataclass

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torchvision.ops import box_iou


@dataclass
class Difference:
    """The largest differences of matched objects, and how many have no partner."""

    boxes: float = 0.0
    scores: float = 0.0
    masks: float = 1.0  # the lowest IoU, of masks in which a pixel is less than a hundredth
    matched: int = 0
    alone: int = 0


def compare_objects(
    eager: BaseDataElement, found: dict[str, np.ndarray], lowest: float
) -> Difference:
    """Match objects of one label by their boxes, the best pairs first.

    Those below `lowest` may lack a partner: rounding decides whether they reach the threshold.
    """
    truth = eager.pred_instances.numpy()
    overlap = box_iou(torch.from_numpy(truth.bboxes), torch.from_numpy(found["boxes"])).numpy()
    overlap[truth.labels[:, None] != found["labels"]] = 0
    close = np.abs(truth.scores[:, None] - found["scores"])
    overlap -= close * 1e-3  # of equal boxes the one of equal score
    result = Difference()
    free_rows, free_columns = set(range(len(truth.scores))), set(range(len(found["scores"])))
    for place in np.argsort(-overlap, axis=None):
        row, column = (int(number) for number in np.unravel_index(place, overlap.shape))
        if overlap[row, column] < 0.9:
            break
        if row in free_rows and column in free_columns:
            free_rows.remove(row)
            free_columns.remove(column)
            result.matched += 1
            boxes = np.abs(truth.bboxes[row] - found["boxes"][column]).max()
            result.boxes = max(result.boxes, float(boxes))
            result.scores = max(result.scores, float(close[row, column]))
            if "masks" in found and truth.masks[row].sum() > 200:
                result.masks = min(result.masks, iou(truth.masks[row], found["masks"][column]))
    result.alone = int((truth.scores[list(free_rows)] > lowest).sum())
    result.alone += int((found["scores"][list(free_columns)] > lowest).sum())
    return result


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Of two masks; 1 if both are empty."""
    union = (one | other).sum()
    return float((one & other).sum() / union) if union else 1.0
