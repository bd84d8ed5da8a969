"""What a class activation map explains: a found object, the pixels of a class, or a class.

Each of them is a score, a function of what the model puts out. Where its gradient is large, the
features speak for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

import torch
from mmengine.structures import InstanceData
from torch import Tensor

SAME_OBJECT = 0.5
"""Intersection over union above which boxes are taken for those of one object."""


@dataclass
class Subject:
    """What a map explains.

    Attributes:
        title: in words.
        score: from the model's output for the image to a scalar.
        box: of a found object: left, top, right, bottom in the picture's pixels.
    """

    title: str
    score: Callable[[object], Tensor]
    box: tuple[float, float, float, float] | None = None


def object_subjects(
    found: InstanceData,
    classes: Sequence[str],
    scale_factor: tuple[float, float],
    score_thr: float,
    most: int,
) -> list[Subject]:
    """The boxes of the highest scores.

    Args:
        found: boxes in the pixels of the model's input.
        scale_factor: the width and height of the input, as shares of the picture's.
        score_thr: lowest score.
    """
    order = found.scores.argsort(descending=True)
    kept = [index for index in order.tolist() if found.scores[index] >= score_thr][:most]
    scale = torch.tensor(scale_factor * 2).to(found.bboxes)
    return [
        Subject(
            f"{classes[found.labels[index]]}, {float(found.scores[index]):.2f}",
            partial(_score_around, found.bboxes[index].detach(), int(found.labels[index])),
            tuple((found.bboxes[index] / scale).tolist()),
        )
        for index in kept
    ]


def _score_around(box: Tensor, label: int, found: InstanceData) -> Tensor:
    """The scores of a class's boxes, as far as they overlap with this one."""
    from torchvision.ops import box_iou  # takes a second, which a tool's --help has not

    # Not one row of the output: an object's row may change from one forward pass to the next.
    same_class = found.labels == label
    overlap = box_iou(found.bboxes[same_class].detach(), box[None])[:, 0]
    return (found.scores[same_class] * overlap * (overlap > SAME_OBJECT)).sum()


def segment_subjects(logits: Tensor, classes: Sequence[str], most: int) -> list[Subject]:
    """The classes with the largest predicted areas; the score is the sum over the area's logits.

    Args:
        logits: (classes, h, w).
    """
    labels = logits.argmax(0)
    counts = torch.bincount(labels.flatten())[: len(classes)]
    largest = [label for label in counts.argsort(descending=True).tolist() if counts[label]]
    return [
        Subject(
            f"{classes[label]}, {100 * counts[label] / labels.numel():.0f} % of the pixels",
            lambda logits, label=label: logits[label][labels == label].sum(),
        )
        for label in largest[:most]
    ]


def class_subjects(logits: Tensor, classes: Sequence[str], most: int) -> list[Subject]:
    """The most probable classes of an image; the score is the class's logit, of (classes,)."""
    probabilities = logits.softmax(0)
    return [
        Subject(f"{classes[label]}, {probabilities[label]:.2f}", itemgetter(label))
        for label in probabilities.argsort(descending=True)[:most].tolist()
    ]
