"""Multi-Scale Attention on GPUs: two passes over x, two autograd functions, few launches.

    first pass   x -> branches; maximum, mean and deviation over the channels; averages
    second pass  x, branches, gates -> y = x + (fusion @ branches) * channel * spatial

A library would take dozens of launches and read x as often. What the gates compute lies between the
passes, on maps of few channels, and belongs to the second one.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx

from ..autograd import first_derivative, memory_format_of
from ..channel_statistics import divide_by_rms
from .channel_gate import channel_gate, channel_gate_backward
from .combine import combine
from .combine_backward import combine_backward
from .few_channels import branches_and_statistics
from .few_channels_backward import input_gradient, weight_gradients
from .launch import accumulated
from .limits import has_few_channels
from .packed_branches import pack, unpack
from .read import read, read_backward
from .spatial_gate import spatial_gate, spatial_gate_backward


def forward(module: nn.Module, x: Tensor, drop: Callable[[Tensor], Tensor] | None) -> Tensor:
    """What a MultiScaleAttention gives for x.

    Args:
        module: a MultiScaleAttention whose parts are as it was built.
        x: (N, C, H, W).
        drop: leaves channels out: ones, (N, C, 1, 1), to zeros and what makes up for them.

    Returns:
        (N, C, H, W), in the memory format of x.
    """
    x = x.contiguous(memory_format=memory_format_of(x))
    kind = x.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
    branches = module.conv1x1, module.conv3x3, module.conv5x5
    gates = module.spatial_attention, module.channel_attention
    parameters = [conv.weight for conv in branches] + [conv.bias for conv in branches]
    with torch.cuda.device_of(x):
        x, scales, statistics, sums = _FirstPass.apply(
            x, dtype, any(gate is not None for gate in gates), *parameters
        )
        spatial = channel = (None, None)
        if module.spatial_attention is not None:
            conv = module.spatial_attention[0]
            spatial = conv.weight, conv.bias
        if module.channel_attention is not None:
            _, squeeze, _, excite, _ = module.channel_attention
            channel = squeeze.weight, squeeze.bias, excite.weight, excite.bias
        else:
            channel = (None,) * 4
        if module.gate_norm and statistics is not None:
            statistics = divide_by_rms(statistics, [2, 3])
            sums = divide_by_rms(sums.sum(1, keepdim=True), [2])
        kept = None
        if drop is not None:
            ones = x.new_ones(x.shape[0], x.shape[1], 1, 1, dtype=accumulated(x.dtype))
            kept = drop(ones).flatten(1)
        fusion = module.fusion_conv
        return _SecondPass.apply(
            x, scales, statistics, sums, kept, *spatial, *channel, fusion.weight, fusion.bias
        )


class _FirstPass(Function):
    """x, so that its gradients meet; branches, statistics, and averages in parts that add up.

    The gradients of all parts of an average are the same.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, dtype: torch.dtype, statistics: bool, *parameters: Tensor
    ) -> tuple[Tensor | None, ...]:
        hidden = len(parameters[-1])
        weight, bias = pack(parameters[:3], parameters[3:], dtype)
        maps = sums = None
        ctx.few = has_few_channels(x, hidden, dtype)
        if ctx.few:
            scales, maps, sums = branches_and_statistics(x, weight, bias, hidden, statistics)
        else:
            scales = torch.conv2d(x.to(dtype), weight, bias, padding=2)
            if statistics:
                maps, sums = read(x)
        ctx.save_for_backward(x, weight)
        ctx.hidden, ctx.dtype = hidden, parameters[0].dtype
        ctx.set_materialize_grads(False)
        return x, scales, maps, sums

    @staticmethod
    @first_derivative
    def backward(
        ctx: FunctionCtx,
        grad_y: Tensor,
        grad_scales: Tensor,
        grad_statistics: Tensor | None,
        grad_sums: Tensor | None,
    ) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        for_x, _, _, *for_parameters = ctx.needs_input_grad
        if ctx.few:  # hooks on saved tensors, as `save_on_cpu` has, may lay them out anew
            last = {"memory_format": torch.channels_last}
            x, weight, grad_scales = (t.contiguous(**last) for t in (x, weight, grad_scales))
        like = {"memory_format": memory_format_of(x)}
        grad_y = grad_y.contiguous(**like)
        samples, channels, *size = x.shape
        if grad_statistics is None:
            grad_statistics = x.new_zeros(samples, 3, *size)
        if grad_sums is None:
            grad_sums = x.new_zeros(samples, 1, channels, dtype=accumulated(x.dtype))
        given = grad_statistics.contiguous(), grad_sums[:, 0].contiguous()
        grad_x, grads = None, (None,) * 6
        with torch.cuda.device_of(x):
            if ctx.few:
                if for_x:
                    grad_x = input_gradient(x, weight, ctx.hidden, grad_y, grad_scales, *given)
                if any(for_parameters):
                    grads = weight_gradients(x, grad_scales, ctx.hidden, ctx.dtype)
            else:
                wanted = [for_x, any(for_parameters), any(for_parameters)]
                of_x, *packed = torch.ops.aten.convolution_backward(
                    grad_scales, x.to(weight.dtype), weight, [len(weight)],
                    [1, 1], [2, 2], [1, 1], False, [0, 0], 1, wanted,
                )  # fmt: skip
                if for_x:
                    grad_x = read_backward(x, grad_y, of_x.contiguous(**like), *given)
                if any(for_parameters):
                    grads = unpack(*packed, ctx.hidden)
        return grad_x, None, None, *grads


class _SecondPass(Function):
    """y from x, the branches, and the gates that statistics and averages make."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        x: Tensor,
        scales: Tensor,
        statistics: Tensor | None,
        sums: Tensor | None,
        kept: Tensor | None,
        *parameters: Tensor | None,
    ) -> Tensor:
        samples, channels, *size = x.shape
        spatial_weight, spatial_bias, *of_gate, weight, bias = parameters
        average = between = gate = None
        if of_gate[0] is not None:
            average, between, gate = channel_gate(sums, *of_gate)
        channel = gate if kept is None else kept if gate is None else gate * kept
        if channel is None:
            channel = scales.new_ones(samples, channels)
        if spatial_weight is None:
            spatial = scales.new_ones(samples, 1, *size)
        else:
            spatial = spatial_gate(statistics, spatial_weight, spatial_bias)
        ctx.save_for_backward(
            scales, statistics, spatial, channel, kept, average, between, gate, *parameters
        )
        ctx.memory_format = memory_format_of(x)
        ctx.parts = None if sums is None else sums.shape[1]
        return combine(x, scales, spatial, channel, weight.contiguous(), bias)

    @staticmethod
    @first_derivative
    def backward(ctx: FunctionCtx, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        scales, statistics, spatial, channel, kept, average, between, gate, *parameters = (
            ctx.saved_tensors
        )
        spatial_weight, _, w1, _, w2, _, weight, bias = parameters
        grad_y = grad_y.contiguous(memory_format=ctx.memory_format)
        with torch.cuda.device_of(grad_y):
            of_scales, of_logits, of_channel, *of_fusion = combine_backward(
                grad_y, scales, spatial, channel, weight.contiguous(), bias
            )
            of_statistics = of_sums = None
            of_spatial, of_gate = (None, None), (None,) * 4
            if spatial_weight is not None:
                of_statistics, *of_spatial = spatial_gate_backward(
                    of_logits, statistics, spatial_weight
                )
            if gate is not None:
                if kept is not None:
                    of_channel = of_channel * kept
                of_channel = torch.ops.aten.sigmoid_backward(of_channel, gate)
                of_average, *of_gate = channel_gate_backward(of_channel, average, between, w1, w2)
                of_sums = of_average[:, None].expand(-1, ctx.parts, -1)
        return grad_y, of_scales, of_statistics, of_sums, None, *of_spatial, *of_gate, *of_fusion
