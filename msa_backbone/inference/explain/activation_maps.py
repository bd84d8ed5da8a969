"""Class activation maps: where the features are that speak for a score.

They are computed by the package `grad-cam` (https://github.com/jacobgil/pytorch-grad-cam), at the
outputs of the backbone's stages.
"""

import importlib
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor, nn

from ...backbones import MSAVGG
from ...packages import require_packages
from .methods import METHODS


def require_grad_cam() -> None:
    """Raise ValueError where the package is missing."""
    require_packages("cam", ["pytorch_grad_cam"])


def activation_map(
    model: nn.Module,
    layers: Sequence[nn.Module],
    x: Tensor,
    score: Callable[[object], Tensor],
    method: str,
) -> np.ndarray:
    """Where the features are that speak for a score, (h, w) in 0..1.

    Args:
        model: from x to a sequence with its output for one image.
        layers: parts of the model; the map is the average over their outputs.
        x: the model's input, (1, C, h, w).
        score: from the output for the image to a scalar.
        method: one of `methods.METHODS`.

    Raises:
        ValueError: for an unknown method, or without the package `grad-cam`.
    """
    if method not in METHODS:
        raise ValueError(f"method '{method}' is unknown: choose one of {', '.join(METHODS)}")
    require_grad_cam()
    package = importlib.import_module("pytorch_grad_cam")
    with getattr(package, METHODS[method])(model, list(layers)) as cam:
        cam.compute_input_gradient = True  # frozen stages have gradients then, too
        values = cam(x, [score])[0]
    model.zero_grad()
    return values


def stage_layers(backbone: nn.Module, stages: Sequence[int] | None = None) -> list[nn.Module]:
    """The layers, or attention modules, whose outputs are those of a MSAVGG's stages.

    Args:
        stages: counted from 0; by default those that the backbone returns.

    Raises:
        ValueError: for another backbone, or a stage that it does not have.
    """
    if not isinstance(backbone, MSAVGG):
        raise ValueError("class activation maps are taken at the stages of a MSAVGG")
    chosen, last = backbone.out_indices if stages is None else stages, len(backbone.stages) - 1
    for stage in chosen:
        if not 0 <= stage <= last:
            raise ValueError(f"stage {stage} does not exist: choose from 0 to {last}")
    return [backbone.get_submodule(backbone.stages[stage].modules[-1]) for stage in chosen]
