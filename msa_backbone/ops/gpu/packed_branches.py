"""Weights of one convolution for all branches: kernels of 1 and 3 sit in the middle of a 5x5 one.

The number of its outputs is rounded up: cuDNN's kernels for tensor cores want multiples of 8.
"""

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from .launch import TYPES, accumulated, power_of_2
from .limits import branch_outputs

ELEMENTS = 4096
"""Weights that a program has in its registers."""


@triton.jit
def _pack_kernel(
    w1, w3, w5, b1, b3, b5, weight, bias,
    channels, hidden, LAST: tl.constexpr, ACC: tl.constexpr, C: tl.constexpr,
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

    value = tl.load(b1 + own, mask=branch == 0, other=0.0).to(ACC)
    value += tl.load(b3 + own, mask=branch == 1, other=0.0).to(ACC)
    value += tl.load(b5 + own, mask=branch == 2, other=0.0).to(ACC)
    tl.store(bias + output, value)


def pack(
    weights: Sequence[Tensor], biases: Sequence[Tensor], dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """One convolution's weight and bias from those of the three branches.

    Args:
        weights: (h, C, k, k) for k = 1, 3, 5.
        biases: (h,) each.
        dtype: of the results.

    Returns:
        (K, C, 5, 5), channels_last, and (K,): the branches' outputs one after another, then zeros
        up to `branch_outputs(h)`.
    """
    hidden, channels = weights[0].shape[:2]
    last = all(w.is_contiguous(memory_format=torch.channels_last) for w in weights)
    if not last:
        weights = [w.contiguous() for w in weights]
    outputs = branch_outputs(hidden)
    like = {"dtype": dtype, "device": biases[0].device}
    weight = torch.empty(outputs, channels, 5, 5, memory_format=torch.channels_last, **like)
    bias = torch.empty(outputs, **like)
    block = power_of_2(min(channels, ELEMENTS // 32), 1)
    _pack_kernel[(outputs, triton.cdiv(channels, block))](
        *weights, *biases, weight, bias,
        channels, hidden, LAST=last, ACC=TYPES[accumulated(dtype)], C=block,
    )  # fmt: skip
    return weight, bias


def unpack(weight: Tensor, bias: Tensor, hidden: int) -> tuple[Tensor, ...]:
    """The three branches' parts of a packed weight and bias, views: w1, w3, w5, b1, b3, b5."""
    first, second, third = (slice(n * hidden, (n + 1) * hidden) for n in range(3))
    return (
        weight[first, :, 2:3, 2:3],
        weight[second, :, 1:4, 1:4],
        weight[third],
        *(bias[part] for part in (first, second, third)),
    )
