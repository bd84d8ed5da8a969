"""What the backward passes written by hand, on CPUs and on GPUs, share."""

from collections.abc import Callable
from functools import wraps

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx


def memory_format_of(x: Tensor) -> torch.memory_format:
    """channels_last where x is that, else contiguous."""
    last = x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format


def first_derivative(backward: Callable) -> Callable:
    """Decorates a backward pass that autograd cannot differentiate once more.

    Where that is wanted, a wrong second derivative would be silent: it raises instead. And it
    computes in the dtypes of its forward pass, also inside of autocast.
    """

    @wraps(backward)
    def run(ctx: FunctionCtx, grad: Tensor, *grads: Tensor | None) -> object:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "MultiScaleAttention's fast forms have no second derivative: for create_graph=True "
                "set module.plain = True"
            )
        with torch.autocast(grad.device.type, enabled=False):
            return backward(ctx, grad, *grads)

    return run


def locations_of(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H * W, C), a view in either memory format."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)
