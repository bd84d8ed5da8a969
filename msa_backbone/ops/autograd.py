"""What the custom backward passes on CPUs and GPUs share."""

from collections.abc import Callable
from functools import wraps

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx


def full_gates(
    x: Tensor, branches: Tensor, spatial: Tensor | None, channel: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The gates as (N, 1, H, W) and (N, C, 1), with ones for those that are None."""
    samples, channels, *size = x.shape
    one = branches.new_ones(())
    return (
        one.expand(samples, 1, *size) if spatial is None else spatial,
        one.expand(samples, channels, 1) if channel is None else channel.flatten(2),
    )


def memory_format_of(x: Tensor) -> torch.memory_format:
    """channels_last where x is that, else contiguous."""
    last = x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format


def first_derivative(backward: Callable) -> Callable:
    """A backward pass that cannot be differentiated, and says so before it is.

    It computes in the dtypes of its forward pass, wherever it is called.
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
