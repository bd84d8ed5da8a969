"""Convolutions with few outputs on CPUs: those of neighbouring locations are computed together.

A CPU's convolutions fill their vectors with outputs; four of sixteen lanes do a quarter of the work
in the same time. So p neighbours in a row count as p times the outputs of one location: a kernel of
k x (k + p - 1) weights, mostly shared, that moves p columns at a time. The arithmetic grows by
(k + p - 1) / k, the lanes fill.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

ENOUGH_LOCATIONS = 1024
"""Smaller maps do not gain what packing the weights costs."""


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A convolution that keeps the size of x.

    Args:
        x: (N, C, H, W). An infinity in it may make outputs beside its own NaN.
        weight: (h, C, k, k), k odd.
        bias: (h,).

    Returns:
        (N, h, H, W).
    """
    outputs, _, _, size = weight.shape
    width = x.shape[3]
    neighbours = neighbours_for(outputs) if x.shape[2] * width >= ENOUGH_LOCATIONS else 1
    if neighbours == 1 or size == 1:
        return F.conv2d(x, weight, bias, padding=size // 2)
    weight = torch.cat([F.pad(weight, (i, neighbours - 1 - i)) for i in range(neighbours)])
    if x.is_contiguous(memory_format=torch.channels_last):
        weight = weight.contiguous(memory_format=torch.channels_last)
    if bias is not None:
        bias = bias.repeat(neighbours)
    # Columns that are no multiple of p take one more step, and so does the left side.
    extra = neighbours if width % neighbours else 0
    packed = F.conv2d(x, weight, bias, (1, neighbours), (size // 2, size // 2 + extra))
    unpacked = packed.permute(0, 2, 3, 1).unflatten(3, (neighbours, outputs)).flatten(2, 3)
    return unpacked.permute(0, 3, 1, 2)[..., extra : extra + width]


def neighbours_for(outputs: int) -> int:
    """p that fills the vectors of float32, 16 lanes with AVX-512, 8 else; 4 at most, which pays."""
    lanes = 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8
    return min(4, max(1, lanes // outputs))
