"""The channel gate on GPUs: many small launches as one or two, and as two backward."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from .launch import TYPES, power_of_2

ELEMENTS, WARPS = 8192, 16
"""Sums or weights that a program has in its registers, and its warps.

There is one program a sample: what it has not loaded at once it waits for again.
"""

BACKWARD_ELEMENTS = 2048
"""Likewise where it has three such tiles."""

ROUNDS = 4
"""Tiles of sums that a program adds up alone; more are added up by all processors before it."""


@triton.jit
def _channel_gate_kernel(
    sums, w1, b1, w2, b2, average, between, gate,
    parts, channels, hidden, ACC: tl.constexpr, H: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    sample = tl.program_id(0)
    c, h = tl.arange(0, C), tl.arange(0, H)
    total = tl.zeros([H, C], ACC)
    for first in range(0, parts, H):
        inside = (first + h < parts)[:, None] & (c < channels)[None, :]
        where = (sample * parts + first + h)[:, None] * channels + c[None, :]
        total += tl.load(sums + where, mask=inside, other=0.0)
    squeezed = tl.sum(total, 0)
    tl.store(average + sample * channels + c, squeezed, mask=c < channels)
    excited = tl.load(b2 + c, mask=c < channels, other=0.0).to(ACC)
    for first in range(0, hidden, H):
        own = first + h
        inside = (own[:, None] < hidden) & (c[None, :] < channels)
        weights = tl.load(w1 + own[:, None] * channels + c[None, :], mask=inside, other=0.0).to(ACC)
        values = tl.sum(weights * squeezed[None, :], 1)
        values += tl.load(b1 + own, mask=own < hidden, other=0.0).to(ACC)
        values = tl.maximum(values, 0.0, propagate_nan=tl.PropagateNan.ALL)
        values = tl.where(own < hidden, values, 0.0)  # rows that are none: inf * 0 is nan
        tl.store(between + sample * hidden + own, values, mask=own < hidden)
        weights = tl.load(w2 + c[None, :] * hidden + own[:, None], mask=inside, other=0.0).to(ACC)
        excited += tl.sum(weights * values[:, None], 0)
    tl.store(gate + sample * channels + c, tl.sigmoid(excited), mask=c < channels)


@triton.jit
def _channel_gate_backward_kernel(
    grad, average, between, w2, of_w1, of_b1, of_w2, of_b2, of_squeezed,
    samples, channels, hidden, ACC: tl.constexpr, H: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    h, c = tl.program_id(0) * H + tl.arange(0, H), tl.arange(0, C)
    inside = (h[:, None] < hidden) & (c[None, :] < channels)
    weights = tl.load(w2 + c[None, :] * hidden + h[:, None], mask=inside, other=0.0).to(ACC)
    of_first, of_second = tl.zeros([H, C], ACC), tl.zeros([H, C], ACC)
    bias1, bias2 = tl.zeros([H], ACC), tl.zeros([C], ACC)
    for sample in range(samples):
        given = tl.load(grad + sample * channels + c, mask=c < channels, other=0.0)
        squeezed = tl.load(average + sample * channels + c, mask=c < channels, other=0.0)
        values = tl.load(between + sample * hidden + h, mask=h < hidden, other=0.0)
        back = tl.sum(weights * given[None, :], 1)
        back = tl.where(values <= 0, 0.0, back)
        tl.store(of_squeezed + sample * hidden + h, back, mask=h < hidden)
        of_first += back[:, None] * squeezed[None, :]
        of_second += values[:, None] * given[None, :]
        bias1 += back
        bias2 += given
    tl.store(of_w1 + h[:, None] * channels + c[None, :], of_first, mask=inside)
    tl.store(of_w2 + c[None, :] * hidden + h[:, None], of_second, mask=inside)
    tl.store(of_b1 + h, bias1, mask=h < hidden)
    if tl.program_id(0) == 0:
        tl.store(of_b2 + c, bias2, mask=c < channels)


def channel_gate(
    sums: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """sigmoid(w2 relu(w1 average + b1) + b2), computed in the dtype of the sums.

    Args:
        sums: (N, parts, C), which add up to the average over the locations.
        w1, b1: (h, C, 1, 1) and (h,).
        w2, b2: (C, h, 1, 1) and (C,).

    Returns:
        The average, (N, C); what is between the layers, (N, h); the gate, (N, C).
    """
    samples, parts, channels = sums.shape
    hidden = len(b1)
    average = sums.new_empty(samples, channels)
    between, gate = sums.new_empty(samples, hidden), sums.new_empty(samples, channels)
    columns = power_of_2(channels, 1)
    rows = max(1, ELEMENTS // columns)
    if parts > ROUNDS * rows:
        sums, parts = sums.sum(1, keepdim=True), 1
    _channel_gate_kernel[(samples,)](
        sums, w1.contiguous(), b1, w2.contiguous(), b2, average, between, gate,
        parts, channels, hidden, ACC=TYPES[sums.dtype],
        H=rows, C=columns, num_warps=WARPS,
    )  # fmt: skip
    return average, between, gate


def channel_gate_backward(
    grad: Tensor, average: Tensor, between: Tensor, w1: Tensor, w2: Tensor
) -> tuple[Tensor, ...]:
    """Gradients of the average, w1, b1, w2, b2 from that of the sigmoid's input, (N, C)."""
    samples, channels = average.shape
    hidden = between.shape[1]
    of_w1, of_w2 = w1.new_empty(w1.shape), w2.new_empty(w2.shape)
    of_b1, of_b2 = w1.new_empty(hidden), w2.new_empty(channels)
    of_squeezed = torch.empty_like(between)
    columns = power_of_2(channels, 1)
    rows = max(1, BACKWARD_ELEMENTS // columns)
    _channel_gate_backward_kernel[(triton.cdiv(hidden, rows),)](
        grad, average, between, w2.contiguous(), of_w1, of_b1, of_w2, of_b2, of_squeezed,
        samples, channels, hidden, ACC=TYPES[average.dtype], H=rows, C=columns,
    )  # fmt: skip
    of_average = of_squeezed @ w1.flatten(1).to(average.dtype)
    return of_average, of_w1, of_b1, of_w2, of_b2
