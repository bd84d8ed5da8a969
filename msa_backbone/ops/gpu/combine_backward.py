"""Gradients of the second pass: of branches and spatial gate, of channel gate and fusion.

One kernel gives the first two, a second one the products of the gradient of y with the branches,
which a third one shares out between channel gate and fusion.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from .combine import fusion_columns, fusion_matrix
from .launch import (
    GRID_LIMIT,
    TYPES,
    accumulated,
    power_of_2,
    product_precision,
    strides,
    tiles_together,
)

NARROW, WIDE = (64, 32, 4, 2), (64, 32, 8, 2)
"""Locations, channels, warps and stages of a program for the branches, for 16 columns and more."""


@triton.jit
def _gated_gradient_kernel(
    grad, branches, spatial, channel, weight, bias, grad_branches, of_logits,
    channels, width, outputs, locations,
    grad_n, grad_c, grad_l, branches_n, branches_k, branches_l,
    ACC: tl.constexpr, PRECISION: tl.constexpr, L: tl.constexpr, C: tl.constexpr, K: tl.constexpr,
):  # fmt: skip
    sample = tl.program_id(1).to(tl.int64)
    at = tl.program_id(0) * L + tl.arange(0, L)
    gate = tl.load(spatial + sample * locations + at, mask=at < locations, other=0.0).to(ACC)
    of_gate = tl.zeros([L], ACC)
    for first in range(0, tl.maximum(width + 1, outputs), K):
        k = first + tl.arange(0, K)
        of_gated = tl.zeros([L, K], ACC)
        for channel_block in range(0, channels, C):
            c = channel_block + tl.arange(0, C)
            scale = tl.load(channel + sample * channels + c, mask=c < channels, other=0.0).to(ACC)
            matrix = fusion_matrix(weight, bias, c, k, channels, width, ACC) * scale[:, None]
            given = tl.load(
                grad + sample * grad_n + at[:, None] * grad_l + c[None, :] * grad_c,
                mask=(at < locations)[:, None] & (c < channels)[None, :],
                other=0.0,
            ).to(branches.dtype.element_ty)
            of_gated = tl.dot(
                given, matrix.to(given.dtype), of_gated, input_precision=PRECISION, out_dtype=ACC
            )
        where = sample * branches_n + at[:, None] * branches_l + k[None, :] * branches_k
        inside = (at < locations)[:, None] & (k < width)[None, :]
        values = tl.load(branches + where, mask=inside, other=0.0).to(ACC)
        values = tl.where((k == width)[None, :], 1.0, values)
        of_branches = tl.where((k < width)[None, :], of_gated * gate[:, None], 0.0)
        real = (at < locations)[:, None] & (k < outputs)[None, :]
        tl.store(grad_branches + where, of_branches, mask=real)
        of_gate += tl.sum(of_gated * values, 1)
    of_gate *= gate * (1 - gate)
    tl.store(of_logits + sample * locations + at, of_gate, mask=at < locations)


@triton.jit
def _products_kernel(
    grad, branches, spatial, sums,
    channels, width, locations, tiles,
    grad_n, grad_c, grad_l, branches_n, branches_k, branches_l,
    ACC: tl.constexpr, PRECISION: tl.constexpr, L: tl.constexpr, C: tl.constexpr, K: tl.constexpr,
):  # fmt: skip
    part, sample = tl.program_id(1), tl.program_id(2).to(tl.int64)
    blocks = tl.cdiv(width + 1, K)
    c = (tl.program_id(0) // blocks) * C + tl.arange(0, C)
    k = (tl.program_id(0) % blocks) * K + tl.arange(0, K)
    products = tl.zeros([C, K], ACC)
    for tile in range(tiles):
        at = (part * tiles + tile) * L + tl.arange(0, L)
        given = tl.load(
            grad + sample * grad_n + at[None, :] * grad_l + c[:, None] * grad_c,
            mask=(at[None, :] < locations) & (c[:, None] < channels),
            other=0.0,
        ).to(branches.dtype.element_ty)
        values = tl.load(
            branches + sample * branches_n + at[:, None] * branches_l + k[None, :] * branches_k,
            mask=(at[:, None] < locations) & (k[None, :] < width),
            other=0.0,
        )
        values = tl.where((k == width)[None, :], 1.0, values.to(ACC))
        gate = tl.load(spatial + sample * locations + at, mask=at < locations, other=0.0)
        gated = (values * gate[:, None].to(ACC)).to(given.dtype)
        products = tl.dot(given, gated, products, input_precision=PRECISION, out_dtype=ACC)
    row = (sample * tl.num_programs(1) + part) * channels + c
    inside = (c[:, None] < channels) & (k[None, :] <= width)
    tl.store(sums + row[:, None] * (width + 1) + k[None, :], products, mask=inside)


@triton.jit
def _share_products_kernel(
    sums, channel, weight, bias, of_channel, of_weight, of_bias,
    samples, parts, channels, width, ACC: tl.constexpr, R: tl.constexpr, K: tl.constexpr,
):  # fmt: skip
    c = tl.program_id(0)
    r, k = tl.arange(0, R), tl.arange(0, K)
    row = tl.load(weight + c * width + k, mask=k < width, other=0.0).to(ACC)
    row += tl.load(bias + c + 0 * k, mask=k == width, other=0.0).to(ACC)
    of_row = tl.zeros([K], ACC)
    for sample in range(samples):
        total = tl.zeros([R, K], ACC)
        for first in range(0, parts, R):
            inside = (first + r < parts)[:, None] & (k <= width)[None, :]
            part = (sample * parts + first + r).to(tl.int64) * channels + c
            where = sums + part[:, None] * (width + 1) + k[None, :]
            total += tl.load(where, mask=inside, other=0.0)
        products = tl.sum(total, 0)
        of_row += products * tl.load(channel + sample * channels + c).to(ACC)
        tl.store(of_channel + sample * channels + c, tl.sum(products * row, 0))
    tl.store(of_weight + c * width + k, of_row, mask=k < width)
    tl.store(of_bias + c + 0 * k, of_row, mask=k == width)


def combine_backward(
    grad: Tensor, branches: Tensor, spatial: Tensor, channel: Tensor, weight: Tensor, bias: Tensor
) -> tuple[Tensor, ...]:
    """Gradients of all that `combine` takes beside x.

    Args:
        grad: of y, (N, C, H, W), contiguous or channels_last.
        branches, spatial, channel, weight, bias: as in `combine`.

    Returns:
        Of the branches, like them; of what the spatial gate's sigmoid was taken of, (N, 1, H, W),
        in at least float32; of the channel gate, (N, C), likewise; of weight and bias.
    """
    samples, channels, height, width = grad.shape
    inputs, locations = weight.shape[1], height * width
    acc = accumulated(branches.dtype)
    common = {"ACC": TYPES[acc], "PRECISION": product_precision(branches)}
    columns = fusion_columns(inputs)
    most = 32 if branches.dtype == torch.float32 else 64
    grad_branches = torch.empty_like(branches)
    of_logits = branches.new_empty(spatial.shape, dtype=acc)
    places, most_channels, warps, stages = NARROW if columns == 16 else WIDE
    _gated_gradient_kernel[(triton.cdiv(locations, places), samples)](
        grad, branches, spatial, channel, weight, bias, grad_branches, of_logits,
        channels, inputs, branches.shape[1], locations, *strides(grad), *strides(branches),
        num_warps=warps, num_stages=stages,
        L=places, C=min(power_of_2(channels), most_channels), K=min(columns, most), **common,
    )  # fmt: skip
    sums = _products(grad, branches, spatial, inputs, common)
    of_channel = branches.new_empty(channel.shape, dtype=acc)
    of_weight, of_bias = weight.new_empty(weight.shape), torch.empty_like(bias)
    _share_products_kernel[(channels,)](
        sums, channel, weight, bias, of_channel, of_weight, of_bias,
        samples, sums.shape[1], channels, inputs,
        ACC=common["ACC"], R=max(1, min(32, 2048 // columns)), K=columns,
    )  # fmt: skip
    return grad_branches, of_logits, of_channel, of_weight, of_bias


def _products(grad: Tensor, branches: Tensor, spatial: Tensor, inputs: int, common: dict) -> Tensor:
    """grad @ (branches * spatial) over the locations, in parts: (N, parts, C, inputs + 1)."""
    samples, channels, height, width = grad.shape
    locations = height * width
    tile = product_tile(inputs, branches.element_size())
    tiles = triton.cdiv(locations, tile["L"])
    programs = triton.cdiv(channels, tile["C"]) * triton.cdiv(inputs + 1, tile["K"])
    together = tiles_together(samples * programs * tiles)
    # Sums no larger than the gradient that they are of, and no more programs than a grid may have.
    smallest = triton.cdiv((inputs + 1) * 4, tile["L"] * branches.element_size())
    together = max(together, smallest, triton.cdiv(tiles, GRID_LIMIT))
    parts = triton.cdiv(tiles, together)
    sums = branches.new_empty(
        samples, parts, channels, inputs + 1, dtype=accumulated(branches.dtype)
    )
    _products_kernel[(programs, parts, samples)](
        grad, branches, spatial, sums,
        channels, inputs, locations, together, *strides(grad), *strides(branches),
        num_warps=4 if tile["K"] == 16 else 8, **common, **tile,
    )  # fmt: skip
    return sums


def product_tile(inputs: int, element_size: int) -> dict[str, int]:
    """Three stages of both factors fit the 48 KiB that any GPU shares in a block."""
    columns = min(64, fusion_columns(inputs))
    return {"L": 64 if element_size <= 2 else 16, "C": 64, "K": columns}
