"""Multi-Scale Attention's two passes over a feature map, in blocks of rows that fit a CPU's cache.

The module's arithmetic is small and its maps are large: on CPUs it is memory traffic and
convolutions of few outputs that cost. Here a map is read once in each pass:

    read     x -> branches; maximum, mean and deviation over the channels; average over locations
    combine  x, branches, gates -> y

A convolution of few outputs is done as matrix products: for each row of the kernel, one product of
full width gives what all columns of the kernel, the taps, take from a row of x. Products of
different rows add up, and the taps are then added with their shifts. No patches are copied (kn2row,
https://arxiv.org/abs/1704.04428, section 3.2, here with a row of all kernels as one product).

The backward passes recompute what is cheap: beyond x and y nothing of their size is stored. They
cannot be differentiated again: set `ENABLED = False` here before a forward pass that shall be.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

ENABLED = True

BLOCK_ELEMENTS = 2**18
"""Elements of x in a block, for each thread: a MiB of float32."""

SIZES = (1, 3, 5)
"""Kernel sizes of the branches, in the order of their outputs."""

NEIGHBOURS = 4

ROWS = (-2, -1, 1, 2, 0)
"""Rows of the largest kernel, in the order of the tap matrix."""


def serves(x: object, hidden: int) -> bool:
    """Whether x should take this way rather than the module's plain form.

    That is float32 or float64 on the CPU, no autocast, no tracer, and a size at which it pays.

    Args:
        x: (N, C, H, W), or what a tracer has in its place.
        hidden: h, outputs of a branch.
    """
    return (
        ENABLED
        and type(x) is Tensor
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
        and not torch._C._are_functorch_transforms_active()
        and _pays(x.shape[2] * x.shape[3], hidden)
    )


def _pays(locations: int, hidden: int) -> bool:
    """Measured: small maps are all overhead; convolutions of many outputs are as fast as products.

    Their gradients are not.
    """
    return locations >= 256 if torch.is_grad_enabled() else locations >= 1024 and hidden < 16


def read(
    x: Tensor, kernels: Sequence[Tensor], taps: Tensor | None, statistics: bool
) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    """What the module needs to know of x.

    Args:
        x: (N, C, H, W).
        kernels: the branches' weights, (h, C, k, k) for each k in `SIZES`.
        taps: `tap_matrix(*kernels)`, where it is at hand.
        statistics: False leaves them out.

    Returns:
        x to go on with, which has one gradient then; the branches without their biases,
        (N, 3 * h, H, W); maximum, mean and unbiased deviation over the channels, (N, 3, H, W), or
        None; the average over the locations, (N, C, 1, 1).
    """
    return _Read.apply(x.contiguous(memory_format=_memory_format(x)), taps, statistics, *kernels)


def combine(
    x: Tensor,
    branches: Tensor,
    spatial: Tensor | None,
    channel: Tensor | None,
    weight: Tensor,
    bias: Tensor,
) -> Tensor:
    """x + (weight @ branches + bias) * channel * spatial, as one matrix product.

    Args:
        x: (N, C, H, W).
        branches: (N, K, H, W).
        spatial: gate, (N, 1, H, W); None stands for ones.
        channel: gate, (N, C, 1, 1); None stands for ones.
        weight: (C, K).
        bias: (C,).
    """
    samples, channels, *size = x.shape
    one = x.new_ones(())
    spatial = one.expand(samples, 1, *size) if spatial is None else spatial
    channel = one.expand(samples, channels, 1) if channel is None else channel.flatten(2)
    return _Combine.apply(x, branches, spatial, channel, weight, bias)


def convolve_to_one(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A convolution with one output, as one with an output for each of four neighbours in a row.

    Single outputs leave a CPU's vector units idle; the gradient gains most.

    Args:
        x: (N, C, H, W).
        weight: (1, C, k, k), k odd.
        bias: (1,).

    Returns:
        (N, 1, H, W).
    """
    width, size = x.shape[3], weight.shape[2]
    weights = torch.cat([F.pad(weight, (i, NEIGHBOURS - 1 - i)) for i in range(NEIGHBOURS)])
    if width % NEIGHBOURS:
        x = F.pad(x, (0, -width % NEIGHBOURS))
    outputs = F.conv2d(x, weights, bias.expand(NEIGHBOURS), (1, NEIGHBOURS), size // 2)
    return outputs.permute(0, 2, 3, 1).flatten(2)[:, None, :, :width]


def tap_matrix(*kernels: Tensor) -> Tensor:
    """The branches' weights, row by row of the kernels.

    Args:
        kernels: (h, C, k, k) for each k in `SIZES`.

    Returns:
        (35 * h + 1, C): for each of `ROWS`, the outputs of every column of the kernels that have
        such a row, the largest kernel first; at last 1 / C, which gives the mean.
    """
    columns = [kernel.permute(2, 3, 0, 1) for kernel in kernels]  # (k, k, h, C)
    taps = [
        column[dy + len(column) // 2]
        for dy in ROWS
        for column in reversed(columns)
        if abs(dy) <= len(column) // 2
    ]
    return F.pad(torch.cat(taps).flatten(0, 1), (0, 0, 0, 1), value=1 / kernels[0].shape[1])


def _split(taps: Tensor) -> tuple[int, dict[int, Tensor]]:
    """h, and the tap matrix as views by row of the kernels."""
    hidden = len(taps) // sum(size**2 for size in SIZES)
    lengths = [hidden * sum(size for size in SIZES if abs(dy) <= size // 2) for dy in ROWS]
    lengths[-1] += 1
    return hidden, dict(zip(ROWS, taps.split(lengths), strict=True))


def _shifts(width: int) -> list[tuple[int, int, tuple[int, int, int], tuple[int, int, int]]]:
    """For each tap: its number, its branch, the columns it gives to and those it takes from.

    Columns as arguments of `Tensor.narrow`. The taps without a shift come first.
    """
    shifts, tap = [], 0
    for branch, size in reversed(list(enumerate(SIZES))):
        for dx in range(-(size // 2), size // 2 + 1):
            length = max(0, width - abs(dx))
            gives, takes = min(max(0, -dx), width), min(max(0, dx), width)
            shifts.append((abs(dx), tap, branch, (-1, gives, length), (-1, takes, length)))
            tap += 1
    return [shift[1:] for shift in sorted(shifts)]


def _locations(x: Tensor) -> Tensor:
    """(C, H, W) -> (H * W, C), a view in either memory format."""
    return x.permute(1, 2, 0).flatten(0, 1)


def _memory_format(x: Tensor) -> torch.memory_format:
    last = x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format


def _blocks(x: Tensor) -> Iterator[tuple[int, int, int]]:
    """(N, C, H, W) -> the sample, the first row and the row behind the last of every block."""
    samples, channels, height, width = x.shape
    step = max(1, BLOCK_ELEMENTS * torch.get_num_threads() // (channels * width))
    for sample in range(samples):
        for top in range(0, height, step):
            yield sample, top, min(top + step, height)


class _Read(Function):
    """See `read`. All gradients of x meet in the backward pass, where they are added in blocks."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        x: Tensor,
        taps: Tensor | None,
        with_statistics: bool,
        *kernels: Tensor,
    ) -> tuple[Tensor | None, ...]:
        samples, channels, height, width = x.shape
        if taps is None:
            taps = tap_matrix(*kernels)
        hidden, by_row = _split(taps)
        branches = x.new_empty(samples, len(SIZES), hidden, height, width)
        statistics = x.new_empty(samples, 3, height * width) if with_statistics else None
        average = x.new_zeros(samples, channels)
        ones = x.new_ones(height * width)
        shifts = _shifts(width)
        for sample, top, bottom in _blocks(x):
            locations, inside = _locations(x[sample]), slice(top * width, bottom * width)
            block = locations[inside]
            taken = torch.mm(by_row[0], block.t())
            for dy in ROWS[:-1]:
                first, last = max(top, -dy), min(bottom, height - dy)
                if first < last:
                    there = locations[(first + dy) * width : (last + dy) * width]
                    part = taken[: len(by_row[dy]), (first - top) * width : (last - top) * width]
                    part.addmm_(by_row[dy], there.t())
            if with_statistics:
                peak, mean, std = statistics[sample, :, inside]
                mean.copy_(taken[-1])
                torch.amax(block, 1, out=peak)
                torch.linalg.vector_norm(block - mean[:, None], dim=1, out=std)
            average[sample].addmv_(block.t(), ones[inside])
            taken = taken[:-1].view(-1, hidden, bottom - top, width).unbind()
            given = branches[sample, :, :, top:bottom].unbind()
            for tap, branch, _, _ in shifts[: len(SIZES)]:
                given[branch].copy_(taken[tap])
            for tap, branch, gives, takes in shifts[len(SIZES) :]:
                given[branch].narrow(*gives).add_(taken[tap].narrow(*takes))
        if with_statistics:
            statistics[:, 2].div_(max(channels - 1, 1) ** 0.5)
            statistics = statistics.view(samples, 3, height, width)
        average.div_(height * width)
        ctx.save_for_backward(x, statistics, *kernels)
        return x, branches.flatten(1, 2), statistics, average[:, :, None, None]

    @staticmethod
    @once_differentiable
    def backward(
        ctx: FunctionCtx,
        grad_y: Tensor,
        grad_branches: Tensor,
        grad_statistics: Tensor | None,
        grad_average: Tensor,
    ) -> tuple[Tensor | None, ...]:
        x, statistics, *kernels = ctx.saved_tensors
        with torch.enable_grad():
            kernels = [kernel.detach().requires_grad_() for kernel in kernels]
            taps_of_kernels = tap_matrix(*kernels)
        taps = taps_of_kernels.detach()
        samples, channels, height, width = x.shape
        hidden, by_row = _split(taps)
        grad_x = torch.empty_like(x, memory_format=_memory_format(x))
        grad_taps = torch.zeros_like(taps)
        grad_by_row = _split(grad_taps)[1]
        grad_branches = grad_branches.view(samples, len(SIZES), hidden, height, width)
        grad_average = grad_average.flatten(1) / (height * width)
        if statistics is not None:
            grad_peak, grad_mean, grad_std = grad_statistics.flatten(2).unbind(1)
            peaks, means, std = statistics.flatten(2)[..., None].unbind(1)
            # d std / d x = (x - mean) / (std * (C - 1)), and 0 where all channels are equal.
            slope = grad_std[..., None] / (std * max(channels - 1, 1))
            slope = torch.where(std > 0, slope, 0)
        ones = x.new_ones(channels)
        shifts = _shifts(width)
        for sample, top, bottom in _blocks(x):
            inside = slice(top * width, bottom * width)
            block = _locations(x[sample])[inside]
            grad = _locations(grad_x[sample])[inside]
            # What the taps take, seen from x, in the rows that reach this block; the mean's row
            # and one of ones, for the average, follow.
            above, below = max(0, top + min(ROWS)), min(height, bottom + max(ROWS))
            taken = x.new_zeros(len(by_row[0]) + 1, (below - above) * width)
            targets = taken[:-2].view(-1, hidden, below - above, width).unbind()
            sources = grad_branches[sample, :, :, above:below].unbind()
            for tap, branch, gives, takes in shifts:
                targets[tap].narrow(*takes).copy_(sources[branch].narrow(*gives))
            part = taken[:, (top - above) * width : (bottom - above) * width]
            if statistics is not None:
                part[-2] = grad_mean[sample, inside]
            part[-1] = 1
            centre = torch.cat([by_row[0], grad_average[sample, None]])
            torch.addmm(_locations(grad_y[sample])[inside], part.t(), centre, out=grad)
            grad_by_row[0].addmm_(part[:-1], block)
            for dy in ROWS[:-1]:
                first, last = max(top, dy), min(bottom, height + dy)
                if first < last:
                    rows = slice((first - top) * width, (last - top) * width)
                    part = taken[: len(by_row[dy])]
                    part = part[:, (first - dy - above) * width : (last - dy - above) * width]
                    grad[rows].addmm_(part.t(), by_row[dy])
                    grad_by_row[dy].addmm_(part, block[rows])
            if statistics is not None:
                buffer = block - means[sample, inside]
                grad.addcmul_(buffer, slope[sample, inside])
                torch.eq(block, peaks[sample, inside], out=buffer)
                share = grad_peak[sample, inside] / torch.mv(buffer, ones)  # equal maxima share
                grad.addcmul_(buffer, share[:, None])
        grad_kernels = torch.autograd.grad(taps_of_kernels, kernels, grad_taps)
        return grad_x, None, None, *grad_kernels


class _Combine(Function):
    """See `combine`."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        x: Tensor,
        branches: Tensor,
        spatial: Tensor,
        channel: Tensor,
        weight: Tensor,
        bias: Tensor,
    ) -> Tensor:
        y = torch.empty_like(x, memory_format=_memory_format(x))
        merged = torch.cat([weight, bias[:, None]], dim=1)
        for sample, own in enumerate(x):
            gated = _gated(branches[sample], spatial[sample])
            fusion = merged * channel[sample]
            torch.addmm(_locations(own), gated.t(), fusion.t(), out=_locations(y[sample]))
        ctx.save_for_backward(branches, spatial, channel, weight, bias)
        ctx.memory_format = _memory_format(x)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad_y: Tensor) -> tuple[Tensor, ...]:
        branches, spatial, channel, weight, bias = ctx.saved_tensors
        grad_y = grad_y.contiguous(memory_format=ctx.memory_format)
        merged = torch.cat([weight, bias[:, None]], dim=1)
        grad_branches = torch.empty_like(branches)
        grad_spatial = branches.new_empty(spatial.shape)
        grad_fusion = weight.new_empty(len(grad_y), *merged.shape)
        for sample, grad in enumerate(grad_y):
            locations = _locations(grad)
            gated = _gated(branches[sample], spatial[sample])
            torch.mm(locations.t(), gated.t(), out=grad_fusion[sample])
            fusion = merged * channel[sample]
            grad_gated = torch.mm(fusion.t(), locations.t()).view(-1, *grad.shape[1:])
            torch.mul(grad_gated[:-1], spatial[sample], out=grad_branches[sample])
            products = grad_gated[:-1].mul_(branches[sample])
            torch.sum(products, 0, keepdim=True, out=grad_spatial[sample])
            grad_spatial[sample].add_(grad_gated[-1:])
        grad_merged = (grad_fusion * channel).sum(0)
        grad_channel = (grad_fusion * merged).sum(2, keepdim=True)
        return (
            grad_y,
            grad_branches,
            grad_spatial,
            grad_channel,
            grad_merged[:, :-1],
            grad_merged[:, -1],
        )


def _gated(branches: Tensor, gate: Tensor) -> Tensor:
    """(K - 1, H, W), (1, H, W) -> (K, H * W): the gated branches, and the gate for the bias."""
    return torch.cat([branches * gate, gate]).flatten(1)
