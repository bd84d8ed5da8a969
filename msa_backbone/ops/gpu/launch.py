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

GRID_LIMIT = 65535
"""CUDA's limit for the second and third dimension of a grid."""

TYPES = {torch.float32: tl.float32, torch.float64: tl.float64}


def accumulated(dtype: torch.dtype) -> torch.dtype:
    """What sums of this dtype are taken in."""
    return torch.promote_types(dtype, torch.float32)


def tiles_together(tiles: int, enough: int | None = None) -> int:
    """How many of all tiles a program takes in turn, so that there are programs enough."""
    return min(MAX_TILES, max(1, tiles // (enough or ENOUGH_PROGRAMS)))


def power_of_2(number: int, least: int = 16) -> int:
    """The next power of 2: what a tile's side must be; products want 16 or more."""
    return max(least, triton.next_power_of_2(number))


def row_tile(channels: int, elements: int) -> dict[str, int]:
    """Locations L and channels C of a tile of about this many elements."""
    columns = triton.next_power_of_2(channels)
    return {"L": min(128, max(1, elements // columns)), "C": columns}


def product_precision(x: Tensor) -> str:
    """How matrix products of float32 are taken.

    Where a convolution of cuDNN may use TF32, three products of TF32 do: Triton cuts TF32's digits
    off instead of rounding them, so that a single one is wrong in one direction.
    """
    if x.dtype != torch.float32 or torch.version.hip:
        return "ieee"
    conv = getattr(torch.backends.cudnn, "conv", None)
    if hasattr(conv, "fp32_precision"):
        return "tf32x3" if conv.fp32_precision == "tf32" else "ieee"
    return "tf32x3" if torch.backends.cudnn.allow_tf32 else "ieee"


def strides(x: Tensor) -> tuple[int, int, int]:
    """Of samples, channels and locations, whose rows follow each other in both formats."""
    _, channels, height, width = x.shape
    locations = height * width
    if memory_format_of(x) == torch.channels_last:
        return channels * locations, 1, channels
    return channels * locations, locations, 1
