"""Convolutions with few outputs on CPUs: several neighbouring locations are computed at once.

A CPU computes the outputs of a location side by side in the lanes of a vector. A convolution with
four outputs uses four of AVX-512's sixteen lanes, and takes the time of sixteen. So p neighbours of
a row are computed as p times the outputs of one location, by a larger kernel: k x (k + p - 1)
weights, which hold the kernel p times, each one column further, and zeros. It moves p columns at
a step. The arithmetic grows by (k + p - 1) / k, but the lanes are full.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

ENOUGH_LOCATIONS = 1024
"""Locations (H * W) of a map from which on the gain exceeds the cost of packing the weights."""


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A convolution that keeps the size of x.

    Args:
        x: (N, C, H, W). An infinity times the zeros of the larger kernel makes neighbours NaN.
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
    # Where p does not divide the width, one more step is made on either side, and cut off below.
    extra = neighbours if width % neighbours else 0
    packed = F.conv2d(x, weight, bias, (1, neighbours), (size // 2, size // 2 + extra))
    unpacked = packed.permute(0, 2, 3, 1).unflatten(3, (neighbours, outputs)).flatten(2, 3)
    return unpacked.permute(0, 3, 1, 2)[..., extra : extra + width]


def neighbours_for(outputs: int) -> int:
    """How many neighbours fill a vector of float32: 16 lanes with AVX-512, 8 without.

    More than 4 do not pay.
    """
    lanes = 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8
    return min(4, max(1, lanes // outputs))
