"""Gradients of `few_channels`: one kernel for x, from all it goes into, one for the weights."""

import torch
import triton
import triton.language as tl
from torch import Tensor

from .few_channels import compiled_for, taps_side_by_side
from .launch import accumulated, product_precision

INPUT_NARROW, INPUT_WIDE = (64, 4), (64, 8)
WEIGHT_NARROW, WEIGHT_WIDE = (64, 4), (64, 8)
"""Pixels of a program and its warps, as in `few_channels`, here without a halo."""

TOGETHER = 8
"""Tiles that a program for x takes in turn, at most: they share what it loads first."""

WEIGHT_PROGRAMS = 528
"""Programs that sum up the weights' gradients: four for each multiprocessor of a large GPU."""


@triton.jit
def _input_gradient_kernel(
    x, weight, grad_y, grad_branches, grad_statistics, grad_average, grad_x,
    height, width, tiles,
    channels: tl.constexpr, hidden: tl.constexpr, outputs: tl.constexpr,
    ACC: tl.constexpr, EPS: tl.constexpr, PRECISION: tl.constexpr,
    P: tl.constexpr, C: tl.constexpr, H: tl.constexpr,
):  # fmt: skip
    sample, locations = tl.program_id(1).to(tl.int64), height * width
    c, o = tl.arange(0, C), tl.arange(0, 16)
    output, shift, used = taps_side_by_side(H, hidden)
    known = used[:, None] & (c < channels)[None, :]
    at_centre = weight + (o * 25 + 12)[:, None] * channels + c[None, :]
    first = (o < hidden)[:, None] & (c < channels)[None, :]
    centre = tl.load(at_centre, mask=first, other=0.0)
    of_average = tl.load(grad_average + sample * channels + c, mask=c < channels, other=0.0)
    for tile in range(tiles):
        at = (tl.program_id(0) * tiles + tile) * P + tl.arange(0, P)
        row, column = at // width, at % width
        place = sample * locations + at
        given = grad_branches + place[:, None] * outputs
        own = (at < locations)[:, None] & (o < hidden)[None, :]
        scale1 = tl.load(given + o[None, :], mask=own, other=0.0)
        grad = tl.dot(scale1, centre, input_precision=PRECISION, out_dtype=ACC)
        across = column[:, None] - shift[None, :]
        across = (at < locations)[:, None] & used[None, :] & (across >= 0) & (across < width)
        for dy in range(-2, 3):
            inside = across & (row - dy >= 0)[:, None] & (row - dy < height)[:, None]
            from_there = given + output[None, :] - (dy * width + shift)[None, :] * outputs
            there = tl.load(from_there, mask=inside, other=0.0)
            tap = (output * 25 + (dy + 2) * 5 + shift + 2)[:, None] * channels + c[None, :]
            taps = tl.load(weight + tap, mask=known, other=0.0)
            grad = tl.dot(there, taps, grad, input_precision=PRECISION, out_dtype=ACC)

        inside = (at < locations)[:, None] & (c < channels)[None, :]
        where = place[:, None] * channels + c[None, :]
        values = tl.load(x + where, mask=inside, other=0.0).to(ACC)
        grad += tl.load(grad_y + where, mask=inside, other=0.0).to(ACC)
        from_gate = grad_statistics + 3 * sample * locations + at
        of_peak = tl.load(from_gate, mask=at < locations, other=0.0).to(ACC)
        of_mean = tl.load(from_gate + locations, mask=at < locations, other=0.0).to(ACC)
        of_std = tl.load(from_gate + 2 * locations, mask=at < locations, other=0.0).to(ACC)
        mean = tl.sum(values, 1) / channels
        centred = tl.where((c < channels)[None, :], values - mean[:, None], 0.0)
        remainder = tl.sum(centred, 1) / channels  # what the mean's rounding left
        centred = tl.where((c < channels)[None, :], centred - remainder[:, None], 0.0)
        freedom = max(channels - 1, 1)
        std = tl.sqrt(tl.sum(centred * centred, 1) / freedom)
        # Where all channels are equal, the mean's rounding is the deviation: no gradient.
        real = std > EPS * tl.abs(mean)
        slope = tl.where(real, of_std / tl.where(real, std * freedom, 1.0), 0.0)
        masked = tl.where((c < channels)[None, :], values, float("-inf"))
        peaks = (masked == tl.max(masked, 1)[:, None]).to(ACC)
        share = of_peak / tl.sum(peaks, 1)  # equal maxima share
        grad += (of_mean / channels)[:, None] + (of_average.to(ACC) / locations)[None, :]
        grad += slope[:, None] * centred + share[:, None] * peaks
        tl.store(grad_x + where, grad, mask=inside)


@triton.jit
def _weight_gradient_kernel(
    x, grad_branches, taps, centres, biases,
    samples, height, width, tiles, stop,
    channels: tl.constexpr, hidden: tl.constexpr, outputs: tl.constexpr,
    ACC: tl.constexpr, PRECISION: tl.constexpr, P: tl.constexpr, C: tl.constexpr, H: tl.constexpr,
):  # fmt: skip
    part, block, locations = tl.program_id(0), tl.program_id(1), height * width
    c, o = block * C + tl.arange(0, C), tl.arange(0, 16)
    output, shift, used = taps_side_by_side(H, hidden)
    t0, t1 = tl.zeros([C, 8 * H], ACC), tl.zeros([C, 8 * H], ACC)
    t2, t3 = tl.zeros([C, 8 * H], ACC), tl.zeros([C, 8 * H], ACC)
    t4, t = tl.zeros([C, 8 * H], ACC), tl.zeros([C, 16], ACC)
    of_bias, of_first = tl.zeros([8 * H], ACC), tl.zeros([16], ACC)
    for tile in range(part * tiles, tl.minimum((part + 1) * tiles, stop)):
        place = tile * P + tl.arange(0, P).to(tl.int64)
        at = place % locations
        there = place < samples * locations
        row, column = at // width, at % width
        inside = (c < channels)[:, None] & there[None, :]
        values = tl.load(x + place[None, :] * channels + c[:, None], mask=inside, other=0.0)
        given = grad_branches + place[:, None] * outputs
        own = there[:, None] & (o < hidden)[None, :]
        scale1 = tl.load(given + o[None, :], mask=own, other=0.0)
        t = tl.dot(values, scale1, t, input_precision=PRECISION, out_dtype=ACC)
        of_first += tl.sum(scale1.to(ACC), 0)
        across = column[:, None] - shift[None, :]
        across = there[:, None] & used[None, :] & (across >= 0) & (across < width)
        beside = given + output[None, :] - shift[None, :] * outputs
        above = outputs * width

        inside = across & (row + 2 < height)[:, None]
        scale = tl.load(beside + 2 * above, mask=inside, other=0.0)
        t0 = tl.dot(values, scale, t0, input_precision=PRECISION, out_dtype=ACC)
        inside = across & (row + 1 < height)[:, None]
        scale = tl.load(beside + above, mask=inside, other=0.0)
        t1 = tl.dot(values, scale, t1, input_precision=PRECISION, out_dtype=ACC)
        scale = tl.load(beside, mask=across, other=0.0)
        t2 = tl.dot(values, scale, t2, input_precision=PRECISION, out_dtype=ACC)
        of_bias += tl.sum(tl.where((shift == 0)[None, :], scale.to(ACC), 0.0), 0)
        inside = across & (row >= 1)[:, None]
        scale = tl.load(beside - above, mask=inside, other=0.0)
        t3 = tl.dot(values, scale, t3, input_precision=PRECISION, out_dtype=ACC)
        inside = across & (row >= 2)[:, None]
        scale = tl.load(beside - 2 * above, mask=inside, other=0.0)
        t4 = tl.dot(values, scale, t4, input_precision=PRECISION, out_dtype=ACC)

    j = tl.arange(0, 8 * H)
    out = taps + (part * 5 * 8 * H + j)[None, :] * channels + c[:, None]
    known = tl.broadcast_to((c < channels)[:, None], [C, 8 * H])
    tl.store(out, t0, mask=known)
    tl.store(out + 8 * H * channels, t1, mask=known)
    tl.store(out + 16 * H * channels, t2, mask=known)
    tl.store(out + 24 * H * channels, t3, mask=known)
    tl.store(out + 32 * H * channels, t4, mask=known)
    out = centres + (part * 16 + o)[None, :] * channels + c[:, None]
    tl.store(out, t, mask=tl.broadcast_to((c < channels)[:, None], [C, 16]))
    if block == 0:
        tl.store(biases + part * outputs + output, of_bias, mask=used & (shift == 0))
        tl.store(biases + part * outputs + o, of_first, mask=o < hidden)


@triton.jit
def _sum_weights_kernel(
    taps, centres, biases, w1, w3, w5, b1, b3, b5, parts,
    channels: tl.constexpr, hidden: tl.constexpr, outputs: tl.constexpr,
    ACC: tl.constexpr, R: tl.constexpr, C: tl.constexpr, H: tl.constexpr,
):  # fmt: skip
    output, tap = tl.program_id(0), tl.program_id(1)
    branch, own, dy, dx = output // hidden, output % hidden, tap // 5, tap % 5
    inner = (dy > 0) & (dy < 4) & (dx > 0) & (dx < 4)
    if (branch == 2) | ((branch == 1) & inner) | ((branch == 0) & (tap == 12)):
        r, c = tl.arange(0, R), tl.arange(0, C)
        group = tl.where(branch == 2, dx, dx + 4)
        start = taps + (dy * 8 * H + group * H + own) * channels
        pitch = 5 * 8 * H * channels
        if branch == 0:
            start = centres + own * channels
            pitch = 16 * channels
        total = tl.zeros([R, C], ACC)
        for first in range(0, parts, R):
            inside = (first + r < parts)[:, None] & (c < channels)[None, :]
            where = start + (first + r)[:, None] * pitch + c[None, :]
            total += tl.load(where, mask=inside, other=0.0)
        result = tl.sum(total, 0)
        at = own * channels + c
        tl.store(w1 + at, result, mask=(c < channels) & (branch == 0))
        at3 = at * 9 + (dy - 1) * 3 + dx - 1
        tl.store(w3 + at3, result, mask=(c < channels) & (branch == 1))
        tl.store(w5 + at * 25 + tap, result, mask=(c < channels) & (branch == 2))
        if tap == 12:
            number = tl.zeros([R], ACC)
            for first in range(0, parts, R):
                where = biases + (first + r) * outputs + output
                number += tl.load(where, mask=first + r < parts, other=0.0)
            bias = tl.sum(number, 0)
            tl.store(b1 + own, bias, mask=branch == 0)
            tl.store(b3 + own, bias, mask=branch == 1)
            tl.store(b5 + own, bias, mask=branch == 2)


def input_gradient(
    x: Tensor,
    weight: Tensor,
    hidden: int,
    grad_y: Tensor,
    grad_branches: Tensor,
    grad_statistics: Tensor,
    grad_average: Tensor,
) -> Tensor:
    """Gradient of x, (N, C, H, W), from all that it goes into.

    Args:
        x, weight, hidden: as in the first pass.
        grad_y: (N, C, H, W), channels_last, what comes past the first pass.
        grad_branches: (N, K, H, W), channels_last.
        grad_statistics: (N, 3, H, W).
        grad_average: (N, C), in at least float32.
    """
    samples, _, height, width = x.shape
    common = compiled_for(x, hidden, len(weight), INPUT_NARROW, INPUT_WIDE)
    tiles = triton.cdiv(height * width, common["P"])
    together = min(TOGETHER, max(1, samples * tiles // 2048))
    grad_x = torch.empty_like(x)
    _input_gradient_kernel[(triton.cdiv(tiles, together), samples)](
        x, weight, grad_y, grad_branches, grad_statistics, grad_average, grad_x,
        height, width, together,
        EPS=torch.finfo(accumulated(x.dtype)).eps, PRECISION=product_precision(x), **common,
    )  # fmt: skip
    return grad_x


def weight_gradients(
    x: Tensor, grad_branches: Tensor, hidden: int, dtype: torch.dtype
) -> tuple[Tensor, ...]:
    """Of the branches' weights, (h, C, k, k) for k = 1, 3, 5, and biases, (h,) each, in a dtype."""
    samples, channels, height, width = x.shape
    common = compiled_for(x, hidden, grad_branches.shape[1], WEIGHT_NARROW, WEIGHT_WIDE)
    columns, acc = common["H"] * 8, accumulated(x.dtype)
    tiles = triton.cdiv(samples * height * width, common["P"])
    together = triton.cdiv(tiles, WEIGHT_PROGRAMS)
    parts = triton.cdiv(tiles, together)
    taps = x.new_empty(parts, 5, columns, channels, dtype=acc)
    centres = x.new_empty(parts, 16, channels, dtype=acc)
    biases = x.new_empty(parts, grad_branches.shape[1], dtype=acc)
    block = min(common["C"], 64)
    _weight_gradient_kernel[(parts, triton.cdiv(channels, block))](
        x, grad_branches, taps, centres, biases, samples, height, width, together, tiles,
        PRECISION=product_precision(x), **{**common, "C": block},
    )  # fmt: skip
    grads = [x.new_empty(hidden, channels, k, k, dtype=dtype) for k in (1, 3, 5)]
    grads += [x.new_empty(hidden, dtype=dtype) for _ in range(3)]
    sums = {name: common[name] for name in ("channels", "hidden", "outputs", "ACC", "C", "H")}
    _sum_weights_kernel[(3 * hidden, 25)](taps, centres, biases, *grads, parts, R=32, **sums)
    return tuple(grads)
