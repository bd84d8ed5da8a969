"""Which form of Multi-Scale Attention's arithmetic serves a call.

    plain    the formula as torch operations: differentiable twice, open to tracers and hooks
    cpu      two passes over x: `cpu/read.py` and `cpu/combine.py`
    kernels  on GPUs, the same two passes as Triton kernels, see `gpu/`

All give the same but for rounding. The last two do not call the module's parts, only take their
weights: they serve a module that is as it was built, outside torch.compile, export, fx, jit and
torch.func. They cannot be differentiated twice, nor with `is_grads_batched`: `module.plain = True`
asks for the plain form.
"""

import importlib
import warnings
from functools import cache

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.modules.module import _has_any_global_hook

from .channel_statistics import NormalisedAvgPool2d
from .gpu.limits import (
    KERNEL_CHANNELS,
    KERNEL_DEVICE,
    KERNEL_DTYPES,
    KERNEL_SAMPLES,
    branch_outputs,
)


def form_for(module: nn.Module, x: object) -> str:
    """'plain', 'cpu' or 'kernels'.

    Args:
        module: a MultiScaleAttention.
        x: its input, (N, C, H, W), or what a tracer has in its place.
    """
    if module.plain or type(x) is not Tensor or x.dim() != 4 or not x.numel() or not _eager():
        return "plain"
    hidden = getattr(module.conv1x1, "out_channels", 0)
    if (
        x.device.type == KERNEL_DEVICE
        and x.dtype in KERNEL_DTYPES
        and x.shape[1] <= KERNEL_CHANNELS
        and x.shape[0] <= KERNEL_SAMPLES
        and max(x.shape[1], branch_outputs(hidden)) * x.shape[2] * x.shape[3] < 2**31
    ):
        form = "kernels"
    elif (
        x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        and _pays(x.shape[2] * x.shape[3], hidden)
    ):
        form = "cpu"
    else:
        return "plain"
    if not _as_built(module, x, hidden):
        return "plain"
    return "plain" if form == "kernels" and not _kernels_work(x.device) else form


def _eager() -> bool:
    return not (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()
        or torch._C._are_functorch_transforms_active()
        or forward_ad._current_level >= 0
    )


def _pays(locations: int, hidden: int) -> bool:
    """Measured on CPUs: small maps are all calls, and many outputs fill the vectors by themselves.

    In training the backward pass gains most, and less is stored.
    """
    return locations >= 256 if torch.is_grad_enabled() else locations >= 4096 and hidden <= 8


def _as_built(module: nn.Module, x: Tensor, hidden: int) -> bool:
    """Whether taking the weights does what calling the parts would do.

    Weights of another dtype or device than x go where calling the parts tells what is wrong.

    Hooks, parametrizations, adapters, observers of a quantizer, other layers and subclasses with
    other parts of the formula count on the call.
    """
    channels = x.shape[1]
    convs = [
        (module.conv1x1, channels, hidden, 1),
        (module.conv3x3, channels, hidden, 3),
        (module.conv5x5, channels, hidden, 5),
        (module.fusion_conv, 3 * hidden, channels, 1),
    ]
    gate = module.spatial_attention
    if gate is not None:
        if not (_is(gate, nn.Sequential) and len(gate) == 2 and _is(gate[1], nn.Sigmoid)):
            return False
        convs.append((gate[0], 3, 1, 7))
    gate = module.channel_attention
    if gate is not None:
        pool = NormalisedAvgPool2d if module.gate_norm else nn.AdaptiveAvgPool2d
        kinds = pool, nn.Conv2d, nn.ReLU, nn.Conv2d, nn.Sigmoid
        if not (_is(gate, nn.Sequential) and len(gate) == 5 and all(map(_is, gate, kinds))):
            return False
        if gate[0].output_size != 1:
            return False
        inner = gate[1].out_channels
        convs += [(gate[1], channels, inner, 1), (gate[3], inner, channels, 1)]
    own = all(
        getattr(type(module), name) is function and name not in vars(module)
        for name, function in module.formula.items()
    )
    if not own or _has_any_global_hook() or not all(_is_conv(*conv) for conv in convs):
        return False
    mixed = torch.is_autocast_enabled(x.device.type)
    return all(
        part.weight.device == part.bias.device == x.device
        and (mixed or part.weight.dtype == part.bias.dtype == x.dtype)
        for part, *_ in convs
    )


def _is_conv(part: nn.Module, inputs: int, outputs: int, size: int) -> bool:
    return (
        _is(part, nn.Conv2d)
        and part.weight.shape == (outputs, inputs, size, size)
        and part.bias is not None
        and part.bias.shape == (outputs,)
        and part.bias.is_contiguous()
        and {type(part.weight), type(part.bias)} <= {Tensor, nn.Parameter}
        and part.padding == (size // 2, size // 2)
        and part.stride == part.dilation == (1, 1)
        and part.padding_mode == "zeros"
    )


def _is(part: nn.Module, kind: type[nn.Module]) -> bool:
    """Exactly of this class, nothing hangs on its call."""
    return (
        type(part) is kind
        and vars(part).keys().isdisjoint(("forward", "_conv_forward"))
        and not (part._forward_hooks or part._forward_pre_hooks)
        and not (part._backward_hooks or part._backward_pre_hooks)
    )


@cache
def _kernels_work(device: torch.device) -> bool:
    """Whether Triton can compile and run here; a warning says why not, once."""
    try:
        gpu = importlib.import_module(".gpu.read", __package__)
        gpu.read(torch.zeros(1, 1, 1, 1, device=device))
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # whatever keeps them from working, the plain form does
        reason = str(error).partition("\n")[0]
        warnings.warn(
            f"Multi-Scale Attention runs without its Triton kernels, in its plain form: {reason}",
            stacklevel=2,
        )
        return False
    return True
