"""Multi-Scale Attention's first pass over a feature map, in blocks of rows that fit a CPU's cache.

The module's arithmetic is small and its maps are large: on CPUs it is memory traffic and
convolutions of few outputs that cost. Here a map is read once:

    x -> branches; maximum, mean and deviation over the channels; average over the locations

The branches are matrix products, see `taps`. The backward pass recomputes what is cheap: beyond x
nothing of its size is stored.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from .combination import memory_format_of
from .taps import ROWS, SIZES, shifts_of, split, tap_matrix

BLOCK_ELEMENTS = 2**18
"""Elements of x in a block, for each thread: a MiB of float32."""

NEIGHBOURS = 4


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
    return _Read.apply(x.contiguous(memory_format=memory_format_of(x)), taps, statistics, *kernels)


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


def _locations(x: Tensor) -> Tensor:
    """(C, H, W) -> (H * W, C), a view in either memory format."""
    return x.permute(1, 2, 0).flatten(0, 1)


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
        hidden, by_row = split(taps)
        branches = x.new_empty(samples, len(SIZES), hidden, height, width)
        statistics = x.new_empty(samples, 3, height * width) if with_statistics else None
        average = x.new_zeros(samples, channels)
        ones = x.new_ones(height * width)
        shifts = shifts_of(width)
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
        hidden, by_row = split(taps)
        grad_x = torch.empty_like(x, memory_format=memory_format_of(x))
        grad_taps = torch.zeros_like(taps)
        grad_by_row = split(grad_taps)[1]
        grad_branches = grad_branches.view(samples, len(SIZES), hidden, height, width)
        grad_average = grad_average.flatten(1) / (height * width)
        if statistics is not None:
            grad_peak, grad_mean, grad_std = grad_statistics.flatten(2).unbind(1)
            peaks, means, std = statistics.flatten(2)[..., None].unbind(1)
            # d std / d x = (x - mean) / (std * (C - 1)), and 0 where all channels are equal.
            slope = grad_std[..., None] / (std * max(channels - 1, 1))
            slope = torch.where(std > 0, slope, 0)
        ones = x.new_ones(channels)
        shifts = shifts_of(width)
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
