"""Branches and statistics in one pass over x, for maps of few channels.

Early maps are large and their branches narrow: 64 channels go to 4 of each branch. A library's 5x5
convolution to so few outputs runs at a tenth of the rate, and reads x a second time. Here x is read
once, row by row:

    taps of one row    x[row] @ weight[dy], all horizontal taps of both kernels side by side
    five open rows     row y + dy adds its products to row y, for dy in -2 .. 2
    a row is finished  its horizontal taps are moved to their place and added
"""

import triton
import triton.language as tl
from torch import Tensor

from .launch import TYPES, accumulated, power_of_2, product_precision

NARROW, WIDE = (64, 4), (64, 8)
"""Pixels of a row that a program has, 4 of them its halo, and its warps; see `compiled_for`."""

ENOUGH_PROGRAMS = 512
"""Rows are shared out so that there are about as many programs: a few for each multiprocessor."""


@triton.jit
def taps_side_by_side(H: tl.constexpr, hidden: tl.constexpr):
    """Of each column of the horizontal taps: its output, its shift, and whether it is real.

    Eight groups of H columns: five shifts of the 5x5 kernel, three of the 3x3 kernel.
    """
    j = tl.arange(0, 8 * H)
    group, own = j // H, j % H
    wide = group < 5
    output = own + tl.where(wide, 2 * hidden, hidden)
    shift = tl.where(wide, group - 2, group - 6)
    return output, shift, own < hidden


@triton.jit
def _few_channels_kernel(
    x, weight, bias, branches, statistics, sums, height, width, rows, segments, stop,
    channels: tl.constexpr, hidden: tl.constexpr, outputs: tl.constexpr,
    STATISTICS: tl.constexpr, ACC: tl.constexpr, PRECISION: tl.constexpr,
    P: tl.constexpr, C: tl.constexpr, H: tl.constexpr,
):  # fmt: skip
    part, sample = tl.program_id(0), tl.program_id(1).to(tl.int64)
    first, segment = (part // segments) * rows, part % segments
    p, c = tl.arange(0, P), tl.arange(0, C)
    column = segment * (P - 4) + p - 2
    real = (column >= 0) & (column < width)
    mine = real & (p >= 2) & (p < P - 2)
    output, shift, used = taps_side_by_side(H, hidden)
    taps = weight + (output * 25 + shift + 2)[None, :] * channels + c[:, None]
    known = (c < channels)[:, None] & used[None, :]
    w0 = tl.load(taps, mask=known, other=0.0)
    w1 = tl.load(taps + 5 * channels, mask=known, other=0.0)
    w2 = tl.load(taps + 10 * channels, mask=known, other=0.0)
    w3 = tl.load(taps + 15 * channels, mask=known, other=0.0)
    w4 = tl.load(taps + 20 * channels, mask=known, other=0.0)
    o = tl.arange(0, 16)
    at_centre = weight + (o * 25 + 12)[None, :] * channels + c[:, None]
    centre = tl.load(at_centre, mask=(c < channels)[:, None] & (o < hidden)[None, :], other=0.0)
    bias1 = tl.load(bias + o, mask=o < hidden, other=0.0).to(ACC)
    h = tl.arange(0, H)
    bias3 = tl.load(bias + hidden + h, mask=h < hidden, other=0.0).to(ACC)
    bias5 = tl.load(bias + 2 * hidden + h, mask=h < hidden, other=0.0).to(ACC)
    moved = tl.minimum(tl.maximum(p[:, None] + shift[None, :], 0), P - 1)
    wide = (tl.arange(0, 8) < 5)[None, :, None]

    total = tl.zeros([P, C], ACC)
    a0, a1 = tl.zeros([P, 8 * H], ACC), tl.zeros([P, 8 * H], ACC)
    a2, a3 = tl.zeros([P, 8 * H], ACC), tl.zeros([P, 8 * H], ACC)
    for step in range(stop):
        row = first + step - 2
        inside = real & (row >= 0) & (row < height)
        at = (sample * height + row) * width + column
        tile = tl.load(
            x + at[:, None] * channels + c[None, :],
            mask=inside[:, None] & (c < channels)[None, :],
            other=0.0,
        )
        # The oldest open row gets its last row of taps, a new one its first.
        a0 = tl.dot(tile, w4, a0, input_precision=PRECISION, out_dtype=ACC)
        a1 = tl.dot(tile, w3, a1, input_precision=PRECISION, out_dtype=ACC)
        a2 = tl.dot(tile, w2, a2, input_precision=PRECISION, out_dtype=ACC)
        a3 = tl.dot(tile, w1, a3, input_precision=PRECISION, out_dtype=ACC)
        a4 = tl.dot(tile, w0, input_precision=PRECISION, out_dtype=ACC)
        scale1 = tl.dot(tile, centre, input_precision=PRECISION, out_dtype=ACC) + bias1[None, :]

        done = mine & (row - 2 >= first) & (row - 2 < height)
        there = branches + (at - 2 * width)[:, None] * outputs
        placed = tl.reshape(tl.gather(a0, moved, 0), [P, 8, H])
        scale5 = tl.sum(tl.where(wide, placed, 0.0), 1) + bias5[None, :]
        scale3 = tl.sum(tl.where(wide, 0.0, placed), 1) + bias3[None, :]
        fits = done[:, None] & (h < hidden)[None, :]
        tl.store(there + hidden + h[None, :], scale3, mask=fits)
        tl.store(there + 2 * hidden + h[None, :], scale5, mask=fits)
        a0, a1, a2, a3 = a1, a2, a3, a4

        now = mine & (row >= first) & (row < tl.minimum(first + rows, height))
        here = branches + at[:, None] * outputs
        tl.store(here + o[None, :], scale1, mask=now[:, None] & (o < hidden)[None, :])

        if STATISTICS:
            values = tile.to(ACC)
            total += tl.where(now[:, None], values, 0.0)
            peak = tl.max(tl.where((c < channels)[None, :], values, float("-inf")), 1)
            mean = tl.sum(values, 1) / channels
            centred = tl.where((c < channels)[None, :], values - mean[:, None], 0.0)
            std = tl.sqrt(tl.sum(centred * centred, 1) / max(channels - 1, 1))
            out = statistics + at + sample * 2 * height * width
            tl.store(out, peak, mask=now)
            tl.store(out + height * width, mean, mask=now)
            tl.store(out + 2 * height * width, std, mask=now)
    if STATISTICS:
        line = sample * tl.num_programs(0) + part
        average = tl.sum(total, 0) / (height * width)
        tl.store(sums + line * channels + c, average, mask=c < channels)


def branches_and_statistics(
    x: Tensor, weight: Tensor, bias: Tensor, hidden: int, statistics: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The first pass.

    Args:
        x: (N, C, H, W), channels_last, see `limits.has_few_channels`.
        weight, bias: of `packed_branches.pack`, in the dtype of x.
        hidden: outputs of each branch.
        statistics: whether statistics and averages are wanted, too.

    Returns:
        Branches, (N, K, H, W), channels_last, with nothing in the padding; maximum, mean and
        deviation over the channels, (N, 3, H, W); parts of the average over the locations,
        (N, parts, C), in at least float32.
    """
    samples, channels, height, width = x.shape
    outputs = len(bias)
    tile = compiled_for(x, hidden, outputs, NARROW, WIDE)
    segments = triton.cdiv(width, tile["P"] - 4)
    rows = _rows(samples * segments, height)
    parts = segments * triton.cdiv(height, rows)
    branches = x.new_empty(samples, height, width, outputs).permute(0, 3, 1, 2)
    maps = x.new_empty(samples, 3, height, width) if statistics else x
    sums = x.new_empty(samples, parts, channels, dtype=accumulated(x.dtype)) if statistics else x
    _few_channels_kernel[(parts, samples)](
        x, weight, bias, branches, maps, sums, height, width, rows, segments, rows + 4,
        STATISTICS=statistics, PRECISION=product_precision(x), **tile,
    )  # fmt: skip
    return (branches, maps, sums) if statistics else (branches, None, None)


def compiled_for(
    x: Tensor, hidden: int, outputs: int, narrow: tuple[int, int], wide: tuple[int, int]
) -> dict:
    """What these kernels and those of their gradients are compiled for.

    Args:
        x, hidden, outputs: as in `branches_and_statistics`.
        narrow, wide: pixels and warps of a program for at most 64 channels and 4 outputs of a
            branch, and for more.
    """
    columns, group = power_of_2(x.shape[1]), power_of_2(hidden, 2)
    pixels, warps = narrow if columns <= 64 and group <= 4 else wide
    return {
        "channels": x.shape[1],
        "hidden": hidden,
        "outputs": outputs,
        "ACC": TYPES[accumulated(x.dtype)],
        "P": pixels,
        "C": columns,
        "H": group,
        "num_warps": warps,
    }


def _rows(columns: int, height: int) -> int:
    """Rows of a program: many share their halo of four, few make programs enough."""
    for rows in (32, 16):
        if columns * triton.cdiv(height, rows) >= ENOUGH_PROGRAMS:
            return rows
    return 8
