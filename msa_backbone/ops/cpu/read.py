"""The first pass of Multi-Scale Attention on CPUs: all that the module needs to know of x.

As torch operations, three convolutions, three statistics and an average each read x, and in the
backward pass each of them writes a gradient of x's size, which are then added up. On a CPU this
takes longer than the arithmetic.

    read     x -> branches; maximum, mean and deviation over the channels; average over locations

Forward, the convolutions fill the CPU's vectors (`packed_conv`), and of large maps the statistics
are computed in blocks of rows that fit the caches. Backward, each block is read once and all its
gradients are added up while it lies there; those of the branches are matrix products
(`tap_matrix`). Nothing is stored for the backward pass but x and the statistics: what else it needs
is cheap to compute again.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from ..autograd import first_derivative, locations_of, memory_format_of
from ..channel_statistics import spatial_statistics
from .packed_conv import convolve
from .tap_matrix import ROWS, SIZES, shifts_of, split, tap_matrix

BLOCK_ELEMENTS = 2**18
"""Elements of x in a block, for each thread: a MiB of float32."""

LARGE_MAP = 2**22
"""Elements of x from which on its statistics are computed in blocks. Smaller maps stay in the
caches between one operation and the next."""

ENOUGH_LOCATIONS = 1024
"""Locations (H * W) of a map from which on the branches' gradients are computed in blocks, too.
Smaller maps leave them to torch's convolutions."""

ROWS_OF_MKL_SMALL_PRODUCTS = 16
"""Products with fewer rows may be added term by term (seen below 12), see `_add_product`."""


def read(
    x: Tensor, kernels: Sequence[Tensor], statistics: bool
) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    """What the module needs to know of x.

    Args:
        x: (N, C, H, W).
        kernels: the branches' weights, (h, C, k, k) for each k in `SIZES`.
        statistics: False leaves them out.

    Returns:
        x to go on with, so that its gradients meet; the branches without their biases,
        (N, 3 * h, H, W); maximum, mean and unbiased deviation over the channels, (N, 3, H, W), or
        None; the average over the locations, (N, C, 1, 1).
    """
    x = x.contiguous(memory_format=memory_format_of(x))
    if not torch.is_grad_enabled():
        return x, _branches(x, kernels), *_statistics(x, statistics)
    if x.shape[2] * x.shape[3] >= ENOUGH_LOCATIONS:
        return _Read.apply(x, statistics, *kernels)
    x, _, *rest = _Read.apply(x, statistics)
    return x, _branches(x, kernels), *rest


def _branches(x: Tensor, kernels: Sequence[Tensor]) -> Tensor:
    """The branches without their biases, (N, 3 * h, H, W), contiguous in this order."""
    return torch.cat([convolve(x, kernel).contiguous() for kernel in kernels], dim=1)


def _statistics(x: Tensor, over_channels: bool) -> tuple[Tensor | None, Tensor]:
    """`spatial_statistics`, or None, and the average over the locations."""
    if x.numel() < LARGE_MAP:
        average = x.mean(dim=(2, 3), keepdim=True)
        return spatial_statistics(x) if over_channels else None, average
    samples, channels, height, width = x.shape
    statistics = x.new_empty(samples, 3, height * width) if over_channels else None
    average = x.new_zeros(samples, channels)
    locations = locations_of(x)
    ones = x.new_ones(height * width)
    for sample, top, bottom in _blocks(x):
        inside = slice(top * width, bottom * width)
        block = locations[sample, inside]
        average[sample].addmv_(block.t(), ones[inside])
        if over_channels:
            peak, mean, std = statistics[sample, :, inside]
            torch.amax(block, 1, out=peak)
            torch.mean(block, 1, out=mean)
            torch.linalg.vector_norm(block - mean[:, None], dim=1, out=std)
    if over_channels:
        statistics[:, 2].div_(max(channels - 1, 1) ** 0.5)
        statistics = statistics.view(samples, 3, height, width)
    return statistics, average.div_(height * width)[:, :, None, None]


def _blocks(x: Tensor) -> Iterator[tuple[int, int, int]]:
    """x in blocks of rows: the sample, the first row and the one behind the last of each."""
    samples, channels, height, width = x.shape
    step = max(1, BLOCK_ELEMENTS * torch.get_num_threads() // (channels * width))
    for sample in range(samples):
        for top in range(0, height, step):
            yield sample, top, min(top + step, height)


class _Read(Function):
    """See `read`. Without kernels there are no branches: None stands for them."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, with_statistics: bool, *kernels: Tensor
    ) -> tuple[Tensor | None, ...]:
        branches = _branches(x, kernels) if kernels else None
        statistics, average = _statistics(x, with_statistics)
        ctx.save_for_backward(x, statistics, *kernels)
        return x, branches, statistics, average

    @staticmethod
    @first_derivative
    def backward(
        ctx: FunctionCtx,
        grad_y: Tensor,
        grad_branches: Tensor | None,
        grad_statistics: Tensor | None,
        grad_average: Tensor,
    ) -> tuple[Tensor | None, ...]:
        x, statistics, *kernels = ctx.saved_tensors
        for_x, for_kernels = ctx.needs_input_grad[0], any(ctx.needs_input_grad[2:])
        with torch.enable_grad():
            kernels = [kernel.detach().requires_grad_() for kernel in kernels]
            taps_of_kernels = tap_matrix(*kernels) if kernels else x.new_empty(0, x.shape[1])
        taps = taps_of_kernels.detach()
        samples, channels, height, width = x.shape
        hidden, by_row = split(taps)
        grad_x = torch.empty_like(x, memory_format=memory_format_of(x)) if for_x else None
        grad_taps = torch.zeros_like(taps)
        grad_by_row = split(grad_taps)[1]
        shifts, other_rows = [], ()
        if kernels:
            shifts, other_rows = shifts_of(width), ROWS[:-1]
            grad_branches = grad_branches.reshape(samples, len(SIZES), hidden, height, width)
        grad_average = grad_average.flatten(1) / (height * width)
        if statistics is not None:
            grad_peak, grad_mean, grad_std = grad_statistics.flatten(2).unbind(1)
            peaks, means, std = statistics.flatten(2)[..., None].unbind(1)
            slope = _slope(grad_std[..., None], means, std, channels)
        ones = x.new_ones(channels)
        for sample, top, bottom in _blocks(x):
            inside = slice(top * width, bottom * width)
            block = locations_of(x)[sample, inside]
            # The gradient of what each tap takes, at the location it takes it from. Rows above and
            # below count where a kernel reaches from there into this block. Two more inputs of the
            # same products: the gradient of the mean, and a one for that of the average.
            above, below = max(0, top + min(ROWS)), min(height, bottom + max(ROWS))
            taken = x.new_zeros(len(by_row[0]) + 2, (below - above) * width)
            targets = taken[:-2].view(-1, max(hidden, 1), below - above, width).unbind()
            for tap, branch, gives, takes in shifts:
                source = grad_branches[sample, branch, :, above:below]
                targets[tap].narrow(*takes).copy_(source.narrow(*gives))
            part = taken[:, (top - above) * width : (bottom - above) * width]
            if statistics is not None:
                part[-2] = grad_mean[sample, inside]
            part[-1] = 1
            if for_x:
                grad = locations_of(grad_x)[sample, inside]
                centre = torch.cat([by_row[0], ones[None] / channels, grad_average[sample, None]])
                grad.copy_(locations_of(grad_y)[sample, inside])
                _add_product(grad, part.t(), centre)
            if for_kernels:
                grad_by_row[0].addmm_(part[:-2], block)
            for dy in other_rows:
                first, last = max(top, dy), min(bottom, height + dy)
                if first < last:
                    rows = slice((first - top) * width, (last - top) * width)
                    part = taken[: len(by_row[dy])]
                    part = part[:, (first - dy - above) * width : (last - dy - above) * width]
                    if for_x:
                        _add_product(grad[rows], part.t(), by_row[dy])
                    if for_kernels:
                        grad_by_row[dy].addmm_(part, block[rows])
            if for_x and statistics is not None:
                buffer = block - means[sample, inside]
                buffer.sub_(buffer.mean(1, keepdim=True))  # what the mean's rounding left
                grad.addcmul_(buffer, slope[sample, inside])
                torch.eq(block, peaks[sample, inside], out=buffer)
                share = grad_peak[sample, inside] / torch.mv(buffer, ones)  # equal maxima share
                grad.addcmul_(buffer, share[:, None])
        grad_kernels: list[Tensor | None] = [None] * len(kernels)
        if for_kernels:
            grads = torch.autograd.grad(taps_of_kernels, kernels, grad_taps)
            # In the strides of their kernels, as DistributedDataParallel wants them.
            grad_kernels = [
                torch.empty_like(k).copy_(g) for k, g in zip(kernels, grads, strict=True)
            ]
        return grad_x, None, *grad_kernels


def _add_product(total: Tensor, a: Tensor, b: Tensor) -> None:
    """total += a @ b, which rounds total once.

    MKL adds products of few rows to total term by term, and rounds it as often: where total is
    large beside the product, as grad_y is, five times the error. Those are added when they are
    complete.
    """
    if len(total) < ROWS_OF_MKL_SMALL_PRODUCTS:
        total.add_(a @ b)
    else:
        total.addmm_(a, b)


def _slope(grad_std: Tensor, mean: Tensor, std: Tensor, channels: int) -> Tensor:
    """grad_std / (std * (C - 1)), which times (x - mean) is the deviation's gradient.

    0 where all channels are equal, which leaves the mean's rounding as deviation.
    """
    slope = grad_std / (std * max(channels - 1, 1))
    return torch.where(std > torch.finfo(mean.dtype).eps * mean.abs(), slope, 0)
