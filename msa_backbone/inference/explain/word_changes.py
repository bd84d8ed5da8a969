"""How much words change what attention adds, place by place, and how much of it is on an object.

A module adds y(x, q) - x with a sentence and y(x) - x without; the change at a place is the norm
over channels of the difference. Of Multi-Scale Attention that listens this is that of f ca sa. With
`modulate`, what is added is counted from x', the features that the words have scaled and shifted.
A model that looks where a question tells it to changes the object that the question names.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..predictor import Predictor
from .forward_hooks import forward_hooks


def listening(predictor: Predictor) -> dict[str, nn.Module]:
    """The attention modules that listen to words, by position."""
    modules = predictor.attentions.items()
    return {name: module for name, module in modules if getattr(module, "listens", False)}


@torch.no_grad()
def word_changes(predictor: Predictor, picture: np.ndarray) -> dict[str, Tensor]:
    """The change by each of the predictor's questions, (questions, h, w), by position.

    Args:
        predictor: with questions, of a model whose attention listens.
        picture: RGB, (H, W, 3) uint8.
    """
    model, seen = predictor.model, {}
    data = model.data_preprocessor(predictor.inputs([picture], ["picture"]), False)

    def look(name: str, module: nn.Module, inputs: tuple, options: dict, y: Tensor) -> None:
        x, sentence = inputs
        told = module.modulated(x, sentence) if hasattr(module, "modulated") else x
        seen[name] = x, y - told

    listeners = listening(predictor)
    with forward_hooks(listeners, look):
        model(data["images"], data["data_samples"], mode="predict")
    return {
        name: (added - (listeners[name](x) - x)).float().norm(dim=1).cpu()
        for name, (x, added) in seen.items()
    }


def share_inside(
    change: Tensor, boxes: Sequence[Sequence[float]], size: tuple[int, int]
) -> tuple[float, float]:
    """How much of a change lies inside boxes, and how much of the picture they cover.

    Args:
        change: (h, w); each value stands for a part of the picture, which the model sees whole.
        boxes: x, y, width, height in the picture's pixels; whole pixels, cut off at the border.
        size: height and width of the picture.

    Returns:
        Two shares in 0..1; without any change the first is NaN.
    """
    inside = torch.zeros(size)
    for x, y, width, height in boxes:
        inside[max(int(y), 0) : int(y + height), max(int(x), 0) : int(x + width)] = 1
    values = F.interpolate(change[None, None].float(), size, mode="nearest")[0, 0]
    return float((values * inside).sum() / values.sum()), float(inside.mean())
