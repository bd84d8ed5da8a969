"""What the launches of all Triton kernels share: tiles, strides, dtypes."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..autograd import memory_format_of

MAX_TILES = 64
"""Tiles that a program reads, one after another, where there are many: their sums go together."""

ENOUGH_PROGRAMS = 4096
"""As many warps as hide a GPU's latency."""

TYPES = {torch.float32: tl.float32, torch.float64: tl.float64}


def accumulated(dtype: torch.dtype) -> torch.dtype:
    """What sums of this dtype are taken in."""
    return torch.promote_types(dtype, torch.float32)


def tiles_together(tiles: int) -> int:
    """How many of all tiles a program takes in turn, so that there are programs enough."""
    return min(MAX_TILES, max(1, tiles // ENOUGH_PROGRAMS))


def _tile(channels: int, elements: int) -> dict[str, int]:
    columns = triton.next_power_of_2(channels)
    return {"L": min(128, max(1, elements // columns)), "C": columns}


def _tf32(x: Tensor) -> bool:
    """Whether a convolution of cuDNN, which the product stands for, may use TF32."""
    if x.dtype != torch.float32 or torch.version.hip:
        return False
    conv = getattr(torch.backends.cudnn, "conv", None)
    if hasattr(conv, "fp32_precision"):
        return conv.fp32_precision == "tf32"
    return torch.backends.cudnn.allow_tf32


def _strides(x: Tensor) -> tuple[int, int, int]:
    """Of samples, channels and locations, whose rows follow each other in both formats."""
    _, channels, height, width = x.shape
    locations = height * width
    if memory_format_of(x) == torch.channels_last:
        return channels * locations, 1, channels
    return channels * locations, locations, 1
