"""Multi-Scale Attention's gates on GPUs, as Triton kernels.

channel_gate  average -> channel weights, many small launches as one
spatial_gate  statistics -> spatial weights: libraries are slow at 3 channels and one output
"""

import torch
import triton
import triton.language as tl
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from ..autograd import first_derivative
from .launch import TYPES, accumulated, tiles_together

ELEMENTS = 4096
"""Weights that a program has in its registers."""

LOCATIONS = 256
"""Locations that a program has in its registers."""


@triton.jit
def _channel_gate_kernel(
    average, w1, b1, w2, b2, between, gate,
    channels, hidden, ACC: tl.constexpr, H: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    sample = tl.program_id(0)
    c = tl.arange(0, C)
    squeezed = tl.load(average + sample * channels + c, mask=c < channels, other=0.0).to(ACC)
    excited = tl.load(b2 + c, mask=c < channels, other=0.0).to(ACC)
    for first in range(0, hidden, H):
        h = first + tl.arange(0, H)
        inside = (h[:, None] < hidden) & (c[None, :] < channels)
        weights = tl.load(w1 + h[:, None] * channels + c[None, :], mask=inside, other=0.0).to(ACC)
        values = tl.sum(weights * squeezed[None, :], 1)
        values += tl.load(b1 + h, mask=h < hidden, other=0.0).to(ACC)
        values = tl.maximum(values, 0.0, propagate_nan=tl.PropagateNan.ALL)
        tl.store(between + sample * hidden + h, values, mask=h < hidden)
        weights = tl.load(w2 + c[None, :] * hidden + h[:, None], mask=inside, other=0.0).to(ACC)
        excited += tl.sum(weights * values[:, None], 0)
    tl.store(gate + sample * channels + c, tl.sigmoid(excited), mask=c < channels)


@triton.jit
def _spatial_gate_kernel(
    statistics, weight, bias, gate, height, width, ACC: tl.constexpr, L: tl.constexpr
):  # fmt: skip
    sample, locations = tl.program_id(1).to(tl.int64), height * width
    at = tl.program_id(0) * L + tl.arange(0, L)
    row, column = at // width, at % width
    total = tl.zeros([L], ACC) + tl.load(bias).to(ACC)
    for dy in range(7):
        y = row + dy - 3
        for dx in tl.static_range(7):
            x = column + dx - 3
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            for statistic in tl.static_range(3):
                where = (sample * 3 + statistic) * locations + y * width + x
                values = tl.load(statistics + where, mask=inside, other=0.0).to(ACC)
                total += values * tl.load(weight + statistic * 49 + dy * 7 + dx).to(ACC)
    tl.store(gate + sample * locations + at, tl.sigmoid(total), mask=at < locations)


@triton.jit
def _spatial_gate_backward_kernel(
    grad, weight, grad_statistics, height, width, ACC: tl.constexpr, L: tl.constexpr
):  # fmt: skip
    sample, locations = tl.program_id(1).to(tl.int64), height * width
    at = tl.program_id(0) * L + tl.arange(0, L)
    row, column = at // width, at % width
    of_peak, of_mean, of_std = tl.zeros([L], ACC), tl.zeros([L], ACC), tl.zeros([L], ACC)
    for dy in range(7):
        y = row - dy + 3
        for dx in tl.static_range(7):
            x = column - dx + 3
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            values = tl.load(grad + sample * locations + y * width + x, mask=inside, other=0.0)
            tap = weight + dy * 7 + dx
            of_peak += values * tl.load(tap).to(ACC)
            of_mean += values * tl.load(tap + 49).to(ACC)
            of_std += values * tl.load(tap + 98).to(ACC)
    out, real = grad_statistics + sample * 3 * locations + at, at < locations
    tl.store(out, of_peak, mask=real)
    tl.store(out + locations, of_mean, mask=real)
    tl.store(out + 2 * locations, of_std, mask=real)


@triton.jit
def _spatial_weight_kernel(
    grad, statistics, sums, height, width, tiles, ACC: tl.constexpr, L: tl.constexpr
):  # fmt: skip
    part, sample, locations = tl.program_id(1), tl.program_id(2).to(tl.int64), height * width
    statistic, dy = tl.program_id(0) // 7, tl.program_id(0) % 7
    dx = tl.arange(0, 8)
    total = tl.zeros([8, L], ACC)
    for tile in range(tiles):
        at = (part * tiles + tile) * L + tl.arange(0, L)
        given = tl.load(grad + sample * locations + at, mask=at < locations, other=0.0)
        y, x = at // width + dy - 3, (at % width)[None, :] + dx[:, None] - 3
        inside = ((at < locations) & (y >= 0) & (y < height))[None, :] & (x >= 0) & (x < width)
        where = (sample * 3 + statistic) * locations + (y * width)[None, :] + x
        total += given[None, :] * tl.load(statistics + where, mask=inside, other=0.0).to(ACC)
    row = (sample * tl.num_programs(1) + part) * 21 + tl.program_id(0)
    tl.store(sums + row * 7 + dx, tl.sum(total, 1), mask=dx < 7)


def channel_gate(
    average: Tensor, squeeze: nn.Conv2d, excite: nn.Conv2d, dtype: torch.dtype
) -> Tensor:
    """sigmoid(excite(relu(squeeze(average)))), computed in the dtype of the average.

    Args:
        average: (N, C), at least float32.
        squeeze: 1x1, C to h channels.
        excite: 1x1, h to C channels.
        dtype: of the result.

    Returns:
        (N, C, 1, 1).
    """
    parameters = squeeze.weight, squeeze.bias, excite.weight, excite.bias
    return _ChannelGate.apply(average, dtype, *parameters)[:, :, None, None]


class _ChannelGate(Function):
    """See `channel_gate`; (N, C)."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        average: Tensor,
        dtype: torch.dtype,
        w1: Tensor,
        b1: Tensor,
        w2: Tensor,
        b2: Tensor,
    ) -> Tensor:
        samples, channels = average.shape
        hidden = len(b1)
        average = average.contiguous()
        between = average.new_empty(samples, hidden)
        gate = average.new_empty(samples, channels, dtype=dtype)
        columns = triton.next_power_of_2(channels)
        rows = min(triton.next_power_of_2(hidden), max(1, ELEMENTS // columns))
        with torch.cuda.device_of(average):
            _channel_gate_kernel[(samples,)](
                average, w1.contiguous(), b1, w2.contiguous(), b2, between, gate,
                channels, hidden, ACC=TYPES[accumulated(average.dtype)], H=rows, C=columns,
            )  # fmt: skip
        ctx.save_for_backward(average, between, gate, w1, w2)
        return gate

    @staticmethod
    @first_derivative
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        average, between, gate, w1, w2 = ctx.saved_tensors
        dtype = average.dtype
        first, second = w1.flatten(1).to(dtype), w2.flatten(1).to(dtype)
        grad = torch.ops.aten.sigmoid_backward(grad.to(dtype), gate.to(dtype))
        of_second, of_b2 = grad.mT @ between, grad.sum(0)
        grad = torch.ops.aten.threshold_backward(grad @ second, between, 0)
        of_first, of_b1 = grad.mT @ average, grad.sum(0)
        return grad @ first, None, of_first.view_as(w1), of_b1, of_second.view_as(w2), of_b2


def spatial_gate(statistics: Tensor, conv: nn.Conv2d) -> Tensor:
    """sigmoid(conv(statistics)), computed in at least float32.

    Args:
        statistics: (N, 3, H, W).
        conv: 7x7, to one channel.

    Returns:
        (N, 1, H, W) in the dtype of the statistics.
    """
    return _SpatialGate.apply(statistics, conv.weight, conv.bias)


class _SpatialGate(Function):
    """See `spatial_gate`."""

    @staticmethod
    def forward(ctx: FunctionCtx, statistics: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        samples, _, height, width = statistics.shape
        statistics, taps = statistics.contiguous(), weight.contiguous()
        gate = statistics.new_empty(samples, 1, height, width)
        with torch.cuda.device_of(statistics):
            _spatial_gate_kernel[(triton.cdiv(height * width, LOCATIONS), samples)](
                statistics, taps, bias, gate, height, width,
                ACC=TYPES[accumulated(statistics.dtype)], L=LOCATIONS,
            )  # fmt: skip
        ctx.save_for_backward(statistics, gate, taps)
        return gate

    @staticmethod
    @first_derivative
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        statistics, gate, taps = ctx.saved_tensors
        samples, _, height, width = statistics.shape
        dtype = accumulated(statistics.dtype)
        grad = torch.ops.aten.sigmoid_backward(grad.to(dtype), gate.to(dtype)).contiguous()
        tiles = triton.cdiv(height * width, LOCATIONS)
        of_statistics = of_weight = of_bias = None
        with torch.cuda.device_of(grad):
            if ctx.needs_input_grad[0]:
                of_statistics = torch.empty_like(statistics)
                _spatial_gate_backward_kernel[(tiles, samples)](
                    grad, taps, of_statistics, height, width, ACC=TYPES[dtype], L=LOCATIONS,
                )  # fmt: skip
            if any(ctx.needs_input_grad[1:]):
                together = tiles_together(21 * samples * tiles)
                parts = triton.cdiv(tiles, together)
                sums = grad.new_empty(samples * parts, 3, 7, 7)
                _spatial_weight_kernel[(21, parts, samples)](
                    grad, statistics, sums, height, width, together, ACC=TYPES[dtype], L=LOCATIONS,
                )  # fmt: skip
                of_weight, of_bias = sums.sum(0, keepdim=True), grad.sum().view(1)
        return of_statistics, of_weight, of_bias
