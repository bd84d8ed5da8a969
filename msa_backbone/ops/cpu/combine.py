"""Multi-Scale Attention's second pass: y = x + (weight @ branches + bias) * channel * spatial.

The gates go into the factors of the matrix product, which adds to x: the features of x's size never
exist, and nothing of that size is stored for the backward pass.
"""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from ..autograd import first_derivative, full_gates, locations_of, memory_format_of


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
    spatial, channel = full_gates(x, branches, spatial, channel)
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
    """(C, K), (C,) -> (C, K + 1)."""
    return torch.cat([weight, bias[:, None]], dim=1)


def _gated(branches: Tensor, gate: Tensor) -> Tensor:
    """(N, K, H, W), (N, 1, H, W) -> (N, K + 1, H * W): gated branches; the gate for the bias."""
    samples, inputs, *size = branches.shape
    gated = branches.new_empty(samples, inputs + 1, *size)
    torch.mul(branches, gate, out=gated[:, :-1])
    gated[:, -1:] = gate
    return gated.flatten(2)
