"""Multi-Scale Attention's second pass over a feature map on GPUs, as Triton kernels.

combine  x, branches, gates -> y = x + (fusion @ branches) * channel * spatial
"""

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from ..autograd import first_derivative, full_gates, locations_of, memory_format_of
from .launch import TYPES, _strides, _tf32, accumulated, tiles_together


@triton.jit
def _combine_kernel(
    x, branches, spatial, channel, fusion, y,
    channels, width, locations,
    x_n, x_c, x_l, branches_n, branches_k, branches_l,
    ACC: tl.constexpr, PRECISION: tl.constexpr, L: tl.constexpr, C: tl.constexpr, K: tl.constexpr,
):  # fmt: skip
    sample = tl.program_id(2).to(tl.int64)
    at = tl.program_id(0) * L + tl.arange(0, L)
    c = tl.program_id(1) * C + tl.arange(0, C)
    features = tl.zeros([L, C], ACC)
    for first in range(0, width, K):
        k = first + tl.arange(0, K)
        values = tl.load(
            branches + sample * branches_n + at[:, None] * branches_l + k[None, :] * branches_k,
            mask=(at[:, None] < locations) & (k[None, :] < width),
            other=0.0,
        )
        weights = tl.load(
            fusion + c[None, :] * width + k[:, None],
            mask=(c[None, :] < channels) & (k[:, None] < width),
            other=0.0,
        )
        features = tl.dot(values, weights, features, input_precision=PRECISION, out_dtype=ACC)
    gate = tl.load(spatial + sample * locations + at, mask=at < locations, other=0.0).to(ACC)
    scale = tl.load(channel + sample * channels + c, mask=c < channels, other=0.0).to(ACC)
    inside = (at[:, None] < locations) & (c[None, :] < channels)
    where = sample * x_n + at[:, None] * x_l + c[None, :] * x_c
    values = tl.load(x + where, mask=inside, other=0.0).to(ACC)
    tl.store(y + where, values + features * gate[:, None] * scale[None, :], mask=inside)


@triton.jit
def _fusion_grad_kernel(
    grad, branches, spatial, sums,
    channels, width, locations, tiles,
    grad_n, grad_c, grad_l, branches_n, branches_k, branches_l,
    ACC: tl.constexpr, PRECISION: tl.constexpr, L: tl.constexpr, C: tl.constexpr, K: tl.constexpr,
):  # fmt: skip
    part, sample = tl.program_id(1), tl.program_id(2).to(tl.int64)
    blocks = tl.cdiv(width, K)
    c = (tl.program_id(0) // blocks) * C + tl.arange(0, C)
    k = (tl.program_id(0) % blocks) * K + tl.arange(0, K)
    products = tl.zeros([C, K], ACC)
    for tile in range(tiles):
        at = (part * tiles + tile) * L + tl.arange(0, L)
        given = tl.load(
            grad + sample * grad_n + at[None, :] * grad_l + c[:, None] * grad_c,
            mask=(at[None, :] < locations) & (c[:, None] < channels),
            other=0.0,
        )
        values = tl.load(
            branches + sample * branches_n + at[:, None] * branches_l + k[None, :] * branches_k,
            mask=(at[:, None] < locations) & (k[None, :] < width),
            other=0.0,
        )
        gate = tl.load(spatial + sample * locations + at, mask=at < locations, other=0.0)
        gated = (values.to(ACC) * gate[:, None].to(ACC)).to(given.dtype)
        products = tl.dot(given, gated, products, input_precision=PRECISION, out_dtype=ACC)
    row = (sample * tl.num_programs(1) + part) * channels + c
    inside = (c[:, None] < channels) & (k[None, :] < width)
    tl.store(sums + row[:, None] * width + k[None, :], products, mask=inside)


def combine(
    x: Tensor, branches: Tensor, spatial: Tensor | None, channel: Tensor | None, fusion: Tensor
) -> Tensor:
    """x + (fusion @ branches) * channel * spatial in one pass; nothing of x's size is stored.

    Args:
        x: (N, C, H, W), contiguous or channels_last.
        branches: (N, K, H, W), likewise.
        spatial: gate, (N, 1, H, W); None stands for ones.
        channel: gate, (N, C, 1, 1); None stands for ones.
        fusion: (C, K), of the dtype of the branches.

    Returns:
        (N, C, H, W) in the memory format of x, in the wider dtype of x and the branches.
    """
    spatial, channel = full_gates(x, branches, spatial, channel)
    return _Combine.apply(x, branches, spatial, channel, fusion)


class _Combine(Function):
    """See `combine`."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        x: Tensor,
        branches: Tensor,
        spatial: Tensor,
        channel: Tensor,
        fusion: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(branches, spatial, channel, fusion)
        ctx.memory_format = memory_format_of(x)
        samples, channels, height, width = x.shape
        inputs = branches.shape[1]
        y = torch.empty_like(
            x,
            dtype=torch.promote_types(x.dtype, branches.dtype),
            memory_format=memory_format_of(x),
        )
        tile = {"L": 64, "C": 64, "K": 16 if inputs <= 16 else 32}
        grid = (triton.cdiv(height * width, tile["L"]), triton.cdiv(channels, tile["C"]), samples)
        with torch.cuda.device_of(x):
            _combine_kernel[grid](
                x, branches, spatial.contiguous(), channel.contiguous(), fusion, y,
                channels, inputs, height * width, *_strides(x), *_strides(branches),
                ACC=TYPES[accumulated(y.dtype)],
                PRECISION="tf32" if _tf32(branches) else "ieee",
                **tile,
            )  # fmt: skip
        return y

    @staticmethod
    @first_derivative
    def backward(ctx: FunctionCtx, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        branches, spatial, channel, fusion = ctx.saved_tensors
        grad_y = grad_y.contiguous(memory_format=ctx.memory_format)
        low = grad_y.to(branches.dtype)
        for_branches, for_spatial, *for_fusion = ctx.needs_input_grad[1:]
        grads: list[Tensor | None] = [None] * 4
        if for_branches or for_spatial:
            of_gated = locations_of(low) @ (fusion * channel).to(low.dtype)
            grads[0] = _maps(of_gated * locations_of(spatial.to(low.dtype)), low)
            if for_spatial:
                grads[1] = _maps((of_gated * locations_of(branches)).sum(2, keepdim=True), low)
        if any(for_fusion):
            of_products = _fusion_grad(low, branches, spatial)
            grads[2] = (of_products * fusion).sum(2, keepdim=True)
            grads[3] = (of_products * channel).sum(0)
        return grad_y, *grads


def _fusion_grad(grad: Tensor, branches: Tensor, spatial: Tensor) -> Tensor:
    """grad @ (branches * spatial) over the locations, (N, C, K), in at least float32."""
    samples, channels, height, width = grad.shape
    inputs, locations = branches.shape[1], height * width
    tile = _fusion_tile(inputs, grad.element_size())
    tiles = triton.cdiv(locations, tile["L"])
    programs = triton.cdiv(channels, tile["C"]) * triton.cdiv(inputs, tile["K"])
    together = tiles_together(samples * programs * tiles)
    smallest = triton.cdiv(inputs * 4, tile["L"] * grad.element_size())  # sums no larger than x
    together = max(together, smallest, triton.cdiv(tiles, 65535))  # CUDA's limit for a grid
    parts = triton.cdiv(tiles, together)
    sums = grad.new_empty(samples, parts, channels, inputs, dtype=accumulated(grad.dtype))
    with torch.cuda.device_of(grad):
        _fusion_grad_kernel[(programs, parts, samples)](
            grad, branches, spatial.contiguous(), sums,
            channels, inputs, locations, together, *_strides(grad), *_strides(branches),
            ACC=TYPES[sums.dtype], PRECISION="tf32" if _tf32(grad) else "ieee", **tile,
        )  # fmt: skip
    return sums.sum(1)


def _fusion_tile(inputs: int, element_size: int) -> dict[str, int]:
    """Three stages of both factors fit the 48 KiB that any GPU shares in a block."""
    columns = max(16, min(64, triton.next_power_of_2(inputs)))
    return {"L": 64 if element_size <= 2 else 16, "C": 64, "K": columns}


def _maps(values: Tensor, like: Tensor) -> Tensor:
    """(N, H * W, K) -> (N, K, H, W), a view: channels_last."""
    return values.unflatten(1, like.shape[2:]).permute(0, 3, 1, 2)
