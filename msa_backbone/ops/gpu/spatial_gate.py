"""The spatial gate on GPUs: libraries are slow at 7x7 convolutions of 3 channels to one.

A program has a piece of some rows: what a row of values gives to the rows around it is added to all
of them at once, so that it is loaded once.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from .launch import TYPES, accumulated, power_of_2

ROWS = 32
"""Rows that a program goes through for the gradient of the weight."""

LARGE_MAP = 2**18
"""Locations of all samples from which a thread has two columns: each tap is loaded once for both.

On smaller maps one column a thread makes more threads, which wait for memory together.
"""


@triton.jit
def _add_four_rows(
    source, taps, tap_y, tap_x, t0, t1, t2, t3, first, column, height, width, FLIP: tl.constexpr
):  # fmt: skip
    """Add a 7x7 convolution of one map to four rows: each value is loaded once for all of them.

    Only one column of taps is there at a time: all 49 would take the registers of the values.
    """
    for dx in range(7):
        x = column + dx - 3
        across = (6 - dx if FLIP else dx) * tap_x
        for line in tl.static_range(10):
            y = first + line - 3
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            values = tl.load(source + y * width + x, mask=inside, other=0.0).to(t0.dtype)
            if line < 7:
                tap = (6 - line if FLIP else line) * tap_y + across
                t0 += values * tl.load(taps + tap).to(t0.dtype)
            if (line >= 1) & (line < 8):
                tap = (7 - line if FLIP else line - 1) * tap_y + across
                t1 += values * tl.load(taps + tap).to(t0.dtype)
            if (line >= 2) & (line < 9):
                tap = (8 - line if FLIP else line - 2) * tap_y + across
                t2 += values * tl.load(taps + tap).to(t0.dtype)
            if line >= 3:
                tap = (9 - line if FLIP else line - 3) * tap_y + across
                t3 += values * tl.load(taps + tap).to(t0.dtype)
    return t0, t1, t2, t3


@triton.jit
def _spatial_gate_kernel(
    statistics, weight, bias, gate, height, width, segments, tap_s, tap_y, tap_x,
    ACC: tl.constexpr, L: tl.constexpr,
):  # fmt: skip
    sample, locations = tl.program_id(1).to(tl.int64), height * width
    first = (tl.program_id(0) // segments) * 4
    column = (tl.program_id(0) % segments) * L + tl.arange(0, L)
    t0 = tl.zeros([L], ACC) + tl.load(bias).to(ACC)
    t1, t2, t3 = t0, t0, t0
    for statistic in range(3):
        source = statistics + (sample * 3 + statistic) * locations
        t0, t1, t2, t3 = _add_four_rows(
            source, weight + statistic * tap_s, tap_y, tap_x, t0, t1, t2, t3,
            first, column, height, width, False,
        )  # fmt: skip
    out, inside = gate + sample * locations + first * width + column, column < width
    tl.store(out, tl.sigmoid(t0), mask=inside)
    tl.store(out + width, tl.sigmoid(t1), mask=inside & (first + 1 < height))
    tl.store(out + 2 * width, tl.sigmoid(t2), mask=inside & (first + 2 < height))
    tl.store(out + 3 * width, tl.sigmoid(t3), mask=inside & (first + 3 < height))


@triton.jit
def _spatial_gate_backward_kernel(
    grad, weight, grad_statistics, height, width, segments, tap_s, tap_y, tap_x,
    ACC: tl.constexpr, L: tl.constexpr,
):  # fmt: skip
    sample, locations = tl.program_id(1).to(tl.int64), height * width
    first = (tl.program_id(0) // segments) * 4
    column = (tl.program_id(0) % segments) * L + tl.arange(0, L)
    inside = column < width
    for statistic in range(3):
        t0 = tl.zeros([L], ACC)
        t0, t1, t2, t3 = _add_four_rows(
            grad + sample * locations, weight + statistic * tap_s, tap_y, tap_x, t0, t0, t0, t0,
            first, column, height, width, True,
        )  # fmt: skip
        out = grad_statistics + (sample * 3 + statistic) * locations + first * width + column
        tl.store(out, t0, mask=inside)
        tl.store(out + width, t1, mask=inside & (first + 1 < height))
        tl.store(out + 2 * width, t2, mask=inside & (first + 2 < height))
        tl.store(out + 3 * width, t3, mask=inside & (first + 3 < height))


@triton.jit
def _spatial_weight_kernel(
    grad, statistics, sums, height, width, rows, segments, ACC: tl.constexpr, L: tl.constexpr
):  # fmt: skip
    part, statistic, sample = tl.program_id(0), tl.program_id(1), tl.program_id(2).to(tl.int64)
    first, locations = (part // segments) * rows, height * width
    column = (part % segments) * L + tl.arange(0, L)
    dx = tl.arange(0, 8)
    x = column[None, :] + dx[:, None] - 3
    across = (x >= 0) & (x < width)
    given, source = grad + sample * locations, statistics + (sample * 3 + statistic) * locations
    # Rows y - 3 to y + 3 of the statistics meet row y of the gradient: six rows stay open.
    t0, t1, t2, t3 = (tl.zeros([8, L], ACC), tl.zeros([8, L], ACC), tl.zeros([8, L], ACC),
                      tl.zeros([8, L], ACC))  # fmt: skip
    t4, t5, t6 = tl.zeros([8, L], ACC), tl.zeros([8, L], ACC), tl.zeros([8, L], ACC)
    g1, g2, g3 = tl.zeros([L], ACC), tl.zeros([L], ACC), tl.zeros([L], ACC)
    g4, g5, g6 = tl.zeros([L], ACC), tl.zeros([L], ACC), tl.zeros([L], ACC)
    for step in range(rows + 6):
        y = first + step
        inside = (column < width) & (step < rows) & (y < height)
        g0 = tl.load(given + y * width + column, mask=inside, other=0.0).to(ACC)
        inside = across & (y >= 3) & (y - 3 < height)
        values = tl.load(source + (y - 3) * width + x, mask=inside, other=0.0).to(ACC)
        values = tl.where((dx < 7)[:, None], values, 1.0)  # the last column sums up the gradient
        t0 += values * g0[None, :]
        t1 += values * g1[None, :]
        t2 += values * g2[None, :]
        t3 += values * g3[None, :]
        t4 += values * g4[None, :]
        t5 += values * g5[None, :]
        t6 += values * g6[None, :]
        g6, g5, g4, g3, g2, g1 = g5, g4, g3, g2, g1, g0
    out = sums + ((sample * tl.num_programs(0) + part) * 3 + statistic) * 56 + dx
    tl.store(out, tl.sum(t0, 1))
    tl.store(out + 8, tl.sum(t1, 1))
    tl.store(out + 16, tl.sum(t2, 1))
    tl.store(out + 24, tl.sum(t3, 1))
    tl.store(out + 32, tl.sum(t4, 1))
    tl.store(out + 40, tl.sum(t5, 1))
    tl.store(out + 48, tl.sum(t6, 1))


def spatial_gate(statistics: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """sigmoid(conv7x7(statistics)), computed in at least float32.

    Args:
        statistics: (N, 3, H, W), contiguous.
        weight, bias: (1, 3, 7, 7) and (1,).

    Returns:
        (N, 1, H, W) in the dtype of the statistics.
    """
    samples, _, height, width = statistics.shape
    gate = statistics.new_empty(samples, 1, height, width)
    programs, segments, tile = _piece(height, width, 4, samples * height * width >= LARGE_MAP)
    _spatial_gate_kernel[(programs, samples)](
        statistics, weight, bias, gate, height, width, segments, *weight.stride()[1:],
        ACC=TYPES[accumulated(statistics.dtype)], **tile,
    )  # fmt: skip
    return gate


def spatial_gate_backward(
    grad: Tensor, statistics: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the statistics, the weight and the bias.

    Args:
        grad: of what the sigmoid is taken of, (N, 1, H, W), contiguous, in at least float32.
        statistics, weight: as in `spatial_gate`.
    """
    samples, _, height, width = statistics.shape
    of_statistics = torch.empty_like(statistics)
    programs, segments, tile = _piece(height, width, 4, samples * height * width >= LARGE_MAP)
    _spatial_gate_backward_kernel[(programs, samples)](
        grad, weight, of_statistics, height, width, segments, *weight.stride()[1:],
        ACC=TYPES[grad.dtype], **tile,
    )  # fmt: skip
    programs, segments, tile = _piece(height, width, ROWS)
    sums = grad.new_empty(samples * programs, 3, 7, 8)
    _spatial_weight_kernel[(programs, 3, samples)](
        grad, statistics, sums, height, width, ROWS, segments,
        ACC=TYPES[grad.dtype], **tile,
    )  # fmt: skip
    total = sums.sum(0, keepdim=True)
    return of_statistics, total[..., :7], total[:, 0, 0, 7]


def _piece(
    height: int, width: int, rows: int, large: bool = False
) -> tuple[int, int, dict[str, int]]:
    """Programs with some rows of a piece of the map's width each; pieces; a piece's tile."""
    columns = min(256 if large else 128, power_of_2(width, 32))
    segments = triton.cdiv(width, columns)
    tile = {"L": columns, "num_warps": max(1, columns // (64 if large else 32))}
    return segments * triton.cdiv(height, rows), segments, tile
