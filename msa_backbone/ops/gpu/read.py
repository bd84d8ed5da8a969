"""Statistics of a feature map in one pass over it, and one pass for all their gradients.

A program has a tile of x, all channels of some locations, in its registers: the deviation is that
of centred values, and x comes from memory once. What the backward pass needs of the statistics it
computes from x again. Sums are at least float32.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..autograd import memory_format_of
from .launch import TYPES, accumulated, row_tile, strides, tiles_together

TILE_ELEMENTS = 4096
"""Elements of x that a program of four warps has in its registers in the first pass."""

ENOUGH_PROGRAMS = 512
"""Enough to hide the memory's latency; one program a sample adds up the sums of them all."""

BACKWARD_ELEMENTS = 4096
"""Elements of x in a program of its backward pass: 16 in each thread of eight warps, no spills."""


@triton.jit
def _read_kernel(
    x, statistics, sums,
    channels, locations, stride_n, stride_c, stride_l, tiles,
    ACC: tl.constexpr, L: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    part, sample = tl.program_id(0), tl.program_id(1).to(tl.int64)
    c = tl.arange(0, C)[None, :]
    total = tl.zeros([L, C], ACC)
    for tile in range(tiles):
        at = (part * tiles + tile) * L + tl.arange(0, L)
        inside = (at[:, None] < locations) & (c < channels)
        where = sample * stride_n + at[:, None] * stride_l + c * stride_c
        values = tl.load(x + where, mask=inside, other=0.0).to(ACC)
        total += values
        peak = tl.max(tl.where(c < channels, values, float("-inf")), 1)
        mean = tl.sum(values, 1) / channels
        centred = tl.where(c < channels, values - mean[:, None], 0.0)
        std = tl.sqrt(tl.sum(centred * centred, 1) / tl.maximum(channels - 1, 1))
        out = statistics + sample * 3 * locations + at
        tl.store(out, peak, mask=at < locations)
        tl.store(out + locations, mean, mask=at < locations)
        tl.store(out + 2 * locations, std, mask=at < locations)
    c = tl.arange(0, C)
    row = sample * tl.num_programs(0) + part
    tl.store(sums + row * channels + c, tl.sum(total, 0) / locations, mask=c < channels)


@triton.jit
def _read_backward_kernel(
    x, grad_y, grad_branches, grad_statistics, grad_average, grad_x,
    channels, locations, stride_n, stride_c, stride_l,
    ACC: tl.constexpr, EPS: tl.constexpr, L: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    sample = tl.program_id(1).to(tl.int64)
    at, c = tl.program_id(0) * L + tl.arange(0, L), tl.arange(0, C)
    inside = (at[:, None] < locations) & (c[None, :] < channels)
    where = sample * stride_n + at[:, None] * stride_l + c[None, :] * stride_c
    values = tl.load(x + where, mask=inside, other=0.0).to(ACC)
    grad = tl.load(grad_y + where, mask=inside, other=0.0).to(ACC)
    grad += tl.load(grad_branches + where, mask=inside, other=0.0).to(ACC)
    given = grad_statistics + sample * 3 * locations + at
    of_peak = tl.load(given, mask=at < locations, other=0.0).to(ACC)
    of_mean = tl.load(given + locations, mask=at < locations, other=0.0).to(ACC)
    of_std = tl.load(given + 2 * locations, mask=at < locations, other=0.0).to(ACC)
    of_average = tl.load(grad_average + sample * channels + c, mask=c < channels, other=0.0)

    mean = tl.sum(values, 1) / channels
    centred = tl.where(c[None, :] < channels, values - mean[:, None], 0.0)
    rest = tl.sum(centred, 1) / channels  # what the mean's rounding left
    centred = tl.where(c[None, :] < channels, centred - rest[:, None], 0.0)
    freedom = tl.maximum(channels - 1, 1)
    std = tl.sqrt(tl.sum(centred * centred, 1) / freedom)
    # Where all channels are equal, the mean's rounding is the deviation: no gradient.
    real = std > EPS * tl.abs(mean)
    slope = tl.where(real, of_std / tl.where(real, std * freedom, 1.0), 0.0)
    masked = tl.where(c[None, :] < channels, values, float("-inf"))
    peaks = (masked == tl.max(masked, 1)[:, None]).to(ACC)
    share = of_peak / tl.sum(peaks, 1)  # equal maxima share
    grad += (of_mean / channels)[:, None] + (of_average.to(ACC) / locations)[None, :]
    grad += slope[:, None] * centred + share[:, None] * peaks
    tl.store(grad_x + where, grad, mask=inside)


def read(x: Tensor) -> tuple[Tensor, Tensor]:
    """Statistics of x.

    Args:
        x: (N, C, H, W), C at most `limits.KERNEL_CHANNELS`.

    Returns:
        Maximum, mean and unbiased deviation over the channels, (N, 3, H, W), in the dtype of x;
        parts of the average over the locations, (N, parts, C), in at least float32.
    """
    samples, channels, height, width = x.shape
    locations = height * width
    tile = row_tile(channels, TILE_ELEMENTS)
    tiles = triton.cdiv(locations, tile["L"])
    together = tiles_together(samples * tiles, ENOUGH_PROGRAMS)
    parts = triton.cdiv(tiles, together)
    statistics = x.new_empty(samples, 3, height, width)
    sums = x.new_empty(samples, parts, channels, dtype=accumulated(x.dtype))
    _read_kernel[(parts, samples)](
        x, statistics, sums, channels, locations, *strides(x), together,
        ACC=TYPES[sums.dtype], num_warps=4, **tile,
    )  # fmt: skip
    return statistics, sums


def read_backward(
    x: Tensor,
    grad_y: Tensor,
    grad_branches: Tensor,
    grad_statistics: Tensor,
    grad_average: Tensor,
) -> Tensor:
    """Gradient of x, (N, C, H, W), from all that it goes into.

    Args:
        x: (N, C, H, W).
        grad_y: what comes past the first pass, like x.
        grad_branches: what comes through the branches, like x.
        grad_statistics: (N, 3, H, W).
        grad_average: (N, C), in at least float32.
    """
    samples, channels, height, width = x.shape
    tile = row_tile(channels, BACKWARD_ELEMENTS)
    dtype = accumulated(x.dtype)
    grad_x = torch.empty_like(x, memory_format=memory_format_of(x))
    _read_backward_kernel[(triton.cdiv(height * width, tile["L"]), samples)](
        x, grad_y, grad_branches, grad_statistics, grad_average, grad_x,
        channels, height * width, *strides(x),
        ACC=TYPES[dtype], EPS=torch.finfo(dtype).eps, num_warps=8, **tile,
    )  # fmt: skip
    return grad_x
