"""The second pass of Multi-Scale Attention on CPUs: the gated features are added to x.

    y = x + (weight @ branches + bias) * channel * spatial

As torch operations, the fused features, their gated forms and y are four maps of x's size that are
written and read again, and stored for the backward pass. Both gates are factors, and a factor of a
product may go into either side: `channel` goes into the rows of `weight`, `spatial` into the few
maps of `branches`. Then y is one matrix product that adds to x.
"""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from ..autograd import first_derivative, locations_of, memory_format_of


def combine(
    x: Tensor,
    branches: Tensor,
    spatial: Tensor | None,
    channel: Tensor | None,
    weight: Tensor,
    bias: Tensor,
) -> Tensor:
    """x + (weight @ branches + bias) * channel * spatial.

    Args:
        x: (N, C, H, W).
        branches: (N, K, H, W).
        spatial: gate, (N, 1, H, W); None stands for ones.
        channel: gate, (N, C, 1, 1); None stands for ones.
        weight: (C, K).
        bias: (C,).

    Returns:
        (N, C, H, W) in the memory format of x, in the wider dtype of x and the branches.
    """
    samples, channels, *size = x.shape
    one = branches.new_ones(())
    spatial = one.expand(samples, 1, *size) if spatial is None else spatial
    channel = one.expand(samples, channels, 1) if channel is None else channel.flatten(2)
    weight, bias = weight.to(branches.dtype), bias.to(branches.dtype)
    x = x.contiguous(memory_format=memory_format_of(x))
    return _Combine.apply(x, branches, spatial, channel, weight, bias)


class _Combine(Function):
    """See `combine`."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        x: Tensor,
        branches: Tensor,
        spatial: Tensor,
        channel: Tensor,
        weight: Tensor,
        bias: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(branches, spatial, channel, weight, bias)
        ctx.like_x = x.dtype, memory_format_of(x)
        y = torch.empty_like(x, memory_format=memory_format_of(x))
        fusion = _merged(weight, bias) * channel
        torch.baddbmm(locations_of(x), _gated(branches, spatial).mT, fusion.mT, out=locations_of(y))
        return y

    @staticmethod
    @first_derivative
    def backward(ctx: FunctionCtx, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        branches, spatial, channel, weight, bias = ctx.saved_tensors
        x_dtype, memory_format = ctx.like_x
        grad_y = grad_y.contiguous(memory_format=memory_format)
        grad = locations_of(grad_y).to(branches.dtype)
        merged = _merged(weight, bias)
        for_branches, for_spatial, *for_fusion = ctx.needs_input_grad[1:]
        grads: list[Tensor | None] = [None] * 5
        if for_branches or for_spatial:
            grad_gated = ((merged * channel).mT @ grad.mT).view(len(grad), -1, *grad_y.shape[2:])
            of_branches, of_gate = grad_gated[:, :-1], grad_gated[:, -1:]
            grads[0] = of_branches * spatial
            grads[1] = of_branches.mul_(branches).sum(1, keepdim=True).add_(of_gate)
        if any(for_fusion):
            grad_fusion = (_gated(branches, spatial) @ grad).mT
            grad_merged = (grad_fusion * channel).sum(0)
            grads[2] = (grad_fusion * merged).sum(2, keepdim=True)
            grads[3:] = grad_merged[:, :-1], grad_merged[:, -1]
        return grad_y.to(x_dtype), *grads


def _merged(weight: Tensor, bias: Tensor) -> Tensor:
    """(C, K), (C,) -> (C, K + 1): the bias as the weight of one more input."""
    return torch.cat([weight, bias[:, None]], dim=1)


def _gated(branches: Tensor, gate: Tensor) -> Tensor:
    """(N, K, H, W), (N, 1, H, W) -> (N, K + 1, H * W): gated branches; the gate for the bias."""
    samples, inputs, *size = branches.shape
    gated = branches.new_empty(samples, inputs + 1, *size)
    torch.mul(branches, gate, out=gated[:, :-1])
    gated[:, -1:] = gate
    return gated.flatten(2)
