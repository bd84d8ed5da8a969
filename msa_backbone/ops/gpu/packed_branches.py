"""Multi-Scale Attention's branches on GPUs: one convolution, its weights packed by a Triton kernel.

The number of its outputs is rounded up: cuDNN's kernels for tensor cores want multiples of 8. One
of them is a constant one, whose column in the fusion matrix is its bias.
"""

import torch
import torch.nn.functional as F
import triton
import triton.language as tl
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from ..autograd import first_derivative
from .launch import TYPES, accumulated
from .limits import branch_outputs

ELEMENTS = 4096
"""Weights that a program has in its registers."""


@triton.jit
def _pack_kernel(
    w1, w3, w5, b1, b3, b5, fusion_weight, fusion_bias, weight, bias, fusion,
    channels, hidden, outputs, LAST: tl.constexpr, ACC: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    output = tl.program_id(0)
    branch, own = output // hidden, output % hidden
    tap = tl.arange(0, 32)[:, None]  # of the 5x5 kernel, row by row
    c = tl.program_id(1) * C + tl.arange(0, C)[None, :]
    inside = (tap < 25) & (c < channels)
    dy, dx = tap // 5 - 1, tap % 5 - 1
    inner = dy * 3 + dx
    if LAST:
        at3, at5 = inner * channels + c, tap * channels + c
    else:
        at3, at5 = c * 9 + inner, c * 25 + tap
    in3 = inside & (branch == 1) & (dy >= 0) & (dy < 3) & (dx >= 0) & (dx < 3)
    values = tl.load(w5 + own * channels * 25 + at5, mask=inside & (branch == 2), other=0.0).to(ACC)
    values += tl.load(w3 + own * channels * 9 + at3, mask=in3, other=0.0).to(ACC)
    centre = inside & (branch == 0) & (tap == 12)
    values += tl.load(w1 + own * channels + c + tap * 0, mask=centre, other=0.0).to(ACC)
    tl.store(weight + (output * 25 + tap) * channels + c, values, mask=inside)

    c = tl.program_id(1) * C + tl.arange(0, C)
    constant, real = output == 3 * hidden, c < channels
    at = c * 3 * hidden + output
    column = tl.load(fusion_weight + at, mask=real & (branch < 3), other=0.0).to(ACC)
    column += tl.load(fusion_bias + c, mask=real & constant, other=0.0).to(ACC)
    tl.store(fusion + c * outputs + output, column, mask=c < channels)
    value = tl.load(b1 + own, mask=branch == 0, other=0.0).to(ACC)
    value += tl.load(b3 + own, mask=branch == 1, other=0.0).to(ACC)
    value += tl.load(b5 + own, mask=branch == 2, other=0.0).to(ACC)
    tl.store(bias + output, tl.where(constant, 1.0, value))


def scales(
    x: Tensor, branches: tuple[nn.Conv2d, nn.Conv2d, nn.Conv2d], fusion: nn.Conv2d
) -> tuple[Tensor, Tensor]:
    """The branches by one convolution, in autocast's dtype where that is on.

    Args:
        x: (N, C, H, W).
        branches: C to h channels, kernels of 1, 3 and 5.
        fusion: 3 * h to C channels.

    Returns:
        The branches, a one, and zeros, (N, K, H, W), K = 3 * h + 1 rounded up; the fusion's weight,
        its bias, and zeros, (C, K).
    """
    kind = x.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
    parameters = [*(conv.weight for conv in branches), *(conv.bias for conv in branches)]
    weight, bias, matrix = _Pack.apply(dtype, *parameters, fusion.weight, fusion.bias)
    return F.conv2d(x, weight, bias, padding=2), matrix


class _Pack(Function):
    """Weights and biases of the branches and of the fusion -> weight, bias, fusion matrix."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, dtype: torch.dtype, *parameters: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        *weights, b1, b3, b5, fusion_weight, fusion_bias = parameters
        hidden, channels = weights[0].shape[:2]
        ctx.hidden = hidden
        last = all(w.is_contiguous(memory_format=torch.channels_last) for w in weights)
        if not last:
            weights = [w.contiguous() for w in weights]
        outputs = branch_outputs(hidden)
        like = {"dtype": dtype, "device": b1.device}
        weight = torch.empty(outputs, channels, 5, 5, memory_format=torch.channels_last, **like)
        bias, fusion = torch.empty(outputs, **like), torch.empty(channels, outputs, **like)
        block = min(triton.next_power_of_2(channels), ELEMENTS // 32)
        with torch.cuda.device_of(b1):
            _pack_kernel[(outputs, triton.cdiv(channels, block))](
                *weights, b1, b3, b5, fusion_weight.contiguous(), fusion_bias, weight, bias, fusion,
                channels, hidden, outputs, LAST=last, ACC=TYPES[accumulated(dtype)], C=block,
            )  # fmt: skip
        return weight, bias, fusion

    @staticmethod
    @first_derivative
    def backward(
        ctx: FunctionCtx, weight: Tensor, bias: Tensor, fusion: Tensor
    ) -> tuple[Tensor | None, ...]:
        hidden = ctx.hidden
        first, second, third = (slice(n * hidden, (n + 1) * hidden) for n in range(3))
        return (
            None,
            weight[first, :, 2:3, 2:3],
            weight[second, :, 1:4, 1:4],
            weight[third],
            *(bias[part] for part in (first, second, third)),
            fusion[:, : 3 * hidden, None, None],
            fusion[:, 3 * hidden],
        )
