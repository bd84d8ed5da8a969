"""RoIAlign and RoIPool: features of boxes.

Shapes: input (N, C, H, W); rois (K, 5) with (batch index, x1, y1, x2, y2) in pixels of the image;
output (K, C, pooled height, pooled width). `spatial_scale` is in cells of the input per pixel.
Results are written into the tensors given for them. On CUDA the gradients add up in no fixed order,
so `torch.use_deterministic_algorithms` refuses them.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, max_unpool2d

from .precision import float32_if_16bit

MAX_POOL, AVG_POOL = 0, 1  # mmcv's codes of RoIAlign's pool_mode


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """RoIAlign (He et al., https://arxiv.org/abs/1703.06870, section 3).

    Args:
        argmax_y, argmax_x: for max pooling, of the output's shape: row and column of the best
            sample within its bin, for the backward.
        sampling_ratio: samples per bin and axis; 0 takes ceil(bin size) of them.
        pool_mode: what a bin takes of its samples: 0 the largest, 1 the average.
        aligned: shift the boxes by half a cell, so that cell centres are at integers.
    """
    input, rois = float32_if_16bit(input, rois)
    size = (aligned_height, aligned_width)
    if pool_mode == AVG_POOL:
        output.copy_(_align(input, rois, spatial_scale, size, sampling_ratio, aligned))
        return
    # A bin of r x s samples is r x s bins of one sample each, which torchvision averages as it is.
    for boxes, (r, s) in _boxes_by_samples(rois, size, spatial_scale, sampling_ratio, aligned):
        fine = (r * size[0], s * size[1])
        samples = _align(input, rois[boxes], spatial_scale, fine, 1, aligned)
        best, index = max_pool2d(samples, (r, s), return_indices=True)
        output[boxes] = best.to(output.dtype)
        argmax_y[boxes] = (index // fine[1] % r).to(argmax_y.dtype)
        argmax_x[boxes] = (index % fine[1] % s).to(argmax_x.dtype)


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Gradient of :func:`roi_align_forward` for its input; the arguments are the forward's."""
    grad_output, rois = float32_if_16bit(grad_output, rois)
    size, shape = (aligned_height, aligned_width), grad_input.shape
    if pool_mode == AVG_POOL:
        grad = _align_backward(
            grad_output, rois, spatial_scale, size, shape, sampling_ratio, aligned
        )
        grad_input.copy_(grad)
        return
    total = torch.zeros_like(grad_input, dtype=grad_output.dtype)
    bin_y = torch.arange(size[0], device=rois.device)[:, None]
    bin_x = torch.arange(size[1], device=rois.device)
    for boxes, (r, s) in _boxes_by_samples(rois, size, spatial_scale, sampling_ratio, aligned):
        fine = (r * size[0], s * size[1])
        row = bin_y * r + argmax_y[boxes].long()
        column = bin_x * s + argmax_x[boxes].long()
        grad = max_unpool2d(grad_output[boxes], row * fine[1] + column, (r, s), output_size=fine)
        total += _align_backward(grad, rois[boxes], spatial_scale, fine, shape, 1, aligned)
    grad_input.copy_(total)


def _boxes_by_samples(
    rois: Tensor, size: tuple[int, int], spatial_scale: float, sampling_ratio: int, aligned: bool
) -> Iterator[tuple[Tensor, tuple[int, int]]]:
    """Masks over the boxes, together with the samples per bin (rows, columns) of these boxes."""
    if sampling_ratio > 0:
        ratios = rois.new_full((len(rois), 2), sampling_ratio)
    else:
        sides = spatial_scale * rois[:, [4, 3]] - spatial_scale * rois[:, [2, 1]]
        sides = sides if aligned else sides.clamp(min=1)
        ratios = (sides / sides.new_tensor(size)).ceil().clamp(min=1)
    for pair in ratios.unique(dim=0):
        yield (ratios == pair).all(1), (int(pair[0]), int(pair[1]))


def _align(
    input: Tensor,
    rois: Tensor,
    spatial_scale: float,
    size: tuple[int, int],
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    return torch.ops.torchvision.roi_align(
        input, rois, spatial_scale, *size, sampling_ratio, aligned
    )


def _align_backward(
    grad: Tensor,
    rois: Tensor,
    spatial_scale: float,
    size: tuple[int, int],
    input_shape: torch.Size,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    return torch.ops.torchvision._roi_align_backward(
        grad, rois, spatial_scale, *size, *input_shape, sampling_ratio, aligned
    )


def roi_pool_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """RoIPool (Girshick, https://arxiv.org/abs/1504.08083, section 2.1): maximum of whole cells.

    Box edges are rounded to cells as in the original; mmcv's own kernel does not round the box
    itself, only its bins, so that the bins of the two can differ by a cell.

    Args:
        argmax: int32, of the output's shape: where the maxima are, for the backward.
    """
    input, rois = float32_if_16bit(input, rois)
    pooled, where = torch.ops.torchvision.roi_pool(
        input, rois, spatial_scale, pooled_height, pooled_width
    )
    output.copy_(pooled)
    argmax.copy_(where)


def roi_pool_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax: Tensor,
    grad_input: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Gradient of :func:`roi_pool_forward` for its input."""
    grad_output, rois = float32_if_16bit(grad_output, rois)
    size = (pooled_height, pooled_width, *grad_input.shape)
    grad_input.copy_(
        torch.ops.torchvision._roi_pool_backward(grad_output, rois, argmax, spatial_scale, *size)
    )
