"""Multi-Scale Attention's second pass: y = x + (fusion @ branches + bias) * channel * spatial.

The bias is one more column of the fusion matrix, whose branch is a constant one.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..autograd import memory_format_of
from .launch import TYPES, accumulated, power_of_2, product_precision, strides

TILE = 64, 64, 4
"""Locations and channels of a program, and its warps."""


@triton.jit
def fusion_matrix(weight, bias, c, k, channels, width, ACC: tl.constexpr):
    """Weight and, as the column behind it, bias: rows c, columns k; zeros elsewhere."""
    inside = (c < channels)[:, None] & (k < width)[None, :]
    matrix = tl.load(weight + c[:, None] * width + k[None, :], mask=inside, other=0.0).to(ACC)
    last = (c < channels)[:, None] & (k == width)[None, :]
    return matrix + tl.load(bias + c[:, None] + 0 * k[None, :], mask=last, other=0.0).to(ACC)


@triton.jit
def _combine_kernel(
    x, branches, spatial, channel, weight, bias, y,
    channels, locations, x_n, x_c, x_l, branches_n, branches_k, branches_l,
    width: tl.constexpr, ACC: tl.constexpr, PRECISION: tl.constexpr,
    L: tl.constexpr, C: tl.constexpr, K: tl.constexpr,
):  # fmt: skip
    sample = tl.program_id(2).to(tl.int64)
    at = tl.program_id(0) * L + tl.arange(0, L)
    c = tl.program_id(1) * C + tl.arange(0, C)
    features = tl.zeros([L, C], ACC)
    for first in tl.static_range(0, width + 1, K):
        k = first + tl.arange(0, K)
        values = tl.load(
            branches + sample * branches_n + at[:, None] * branches_l + k[None, :] * branches_k,
            mask=(at[:, None] < locations) & (k[None, :] < width),
            other=0.0,
        )
        values = tl.where((k == width)[None, :], 1.0, values.to(ACC)).to(branches.dtype.element_ty)
        matrix = fusion_matrix(weight, bias, c, k, channels, width, ACC).to(values.dtype)
        features = tl.dot(
            values, tl.trans(matrix), features, input_precision=PRECISION, out_dtype=ACC
        )
    gate = tl.load(spatial + sample * locations + at, mask=at < locations, other=0.0).to(ACC)
    scale = tl.load(channel + sample * channels + c, mask=c < channels, other=0.0).to(ACC)
    inside = (at[:, None] < locations) & (c[None, :] < channels)
    where = sample * x_n + at[:, None] * x_l + c[None, :] * x_c
    values = tl.load(x + where, mask=inside, other=0.0).to(ACC)
    tl.store(y + where, values + features * gate[:, None] * scale[None, :], mask=inside)


def combine(
    x: Tensor, branches: Tensor, spatial: Tensor, channel: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """The second pass.

    Args:
        x: (N, C, H, W), contiguous or channels_last.
        branches: (N, K, H, W), likewise; the first k count.
        spatial: gate, (N, 1, H, W), contiguous.
        channel: gate, (N, C), contiguous.
        weight, bias: of the fusion, (C, k, 1, 1) and (C,).

    Returns:
        (N, C, H, W) in the memory format of x, in the wider dtype of x and the branches.
    """
    samples, channels, height, width = x.shape
    inputs = weight.shape[1]
    y = torch.empty_like(
        x,
        dtype=torch.promote_types(x.dtype, branches.dtype),
        memory_format=memory_format_of(x),
    )
    most = 32 if branches.dtype == torch.float32 else 64
    columns = {"K": min(most, fusion_columns(inputs))}
    tile = dict(zip(("L", "C", "num_warps"), TILE, strict=True)) | columns
    grid = (triton.cdiv(height * width, tile["L"]), triton.cdiv(channels, tile["C"]), samples)
    _combine_kernel[grid](
        x, branches, spatial, channel, weight, bias, y,
        channels, height * width, *strides(x), *strides(branches), width=inputs,
        ACC=TYPES[accumulated(y.dtype)], PRECISION=product_precision(branches), **tile,
    )  # fmt: skip
    return y


def fusion_columns(inputs: int) -> int:
    """Columns of a tile that has the whole fusion matrix: all inputs and the bias."""
    return power_of_2(inputs + 1)
