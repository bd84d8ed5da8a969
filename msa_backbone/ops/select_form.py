"""Which form of Multi-Scale Attention's arithmetic serves a call.

Written as torch operations, the formula moves x through memory a dozen times. Two other forms do
with two passes over x, but not everywhere: on small maps they do not pay, and what traces, hooks or
changes a module has to see its parts being called.

    plain    the formula as torch operations, in `layers/multi_scale_attention.py`
    cpu      two passes over x, `cpu/forward.py`
    kernels  the same two passes as Triton kernels on GPUs, `gpu/forward.py`

All give the same but for rounding. The last two take the weights of the module's parts and call
none of them. So they serve modules that are as they were built, outside torch.compile, export, fx,
jit and torch.func. They can be differentiated once, without `is_grads_batched`:
`module.plain = True` asks for the plain form.

The limits that decide are `PAYS_*` here for CPUs, and what the kernels can take, `KERNEL_*` of
`gpu/limits.py`.
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

PAYS_IN_TRAINING = 256
"""Locations (H * W) of a map from which on the CPU's form pays where gradients are recorded: its
backward pass gains most, and it stores less."""

PAYS_IN_INFERENCE = 4096
"""Locations from which on it pays without gradients: on small maps, calls take the time."""

PAYS_UP_TO_OUTPUTS = 8
"""Outputs of a branch up to which it pays without gradients: more fill the CPU's vectors anyway."""


def form_for(module: nn.Module, x: object) -> str:
    """'plain', 'cpu' or 'kernels'.

    Args:
        module: a MultiScaleAttention.
        x: its input, (N, C, H, W), or what a tracer has in its place.
    """
    if module.plain or type(x) is not Tensor or x.dim() != 4 or not x.numel() or not _eager():
        return "plain"
    hidden = getattr(module.conv1x1, "out_channels", 0)
    if _fits_kernels(x, hidden):
        return "kernels" if _as_built(module, x, hidden) and _kernels_work(x.device) else "plain"
    if _fits_cpu(x) and _pays(x.shape[2] * x.shape[3], hidden):
        return "cpu" if _as_built(module, x, hidden) else "plain"
    return "plain"


def _eager() -> bool:
    """Whether operations run as they are called: nothing compiles, traces or transforms them."""
    return not (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()
        or torch._C._are_functorch_transforms_active()
        or forward_ad._current_level >= 0
    )


def _fits_kernels(x: Tensor, hidden: int) -> bool:
    """Offsets into a sample's maps have 32 bits."""
    return (
        x.device.type == KERNEL_DEVICE
        and x.dtype in KERNEL_DTYPES
        and x.shape[1] <= KERNEL_CHANNELS
        and x.shape[0] <= KERNEL_SAMPLES
        and max(x.shape[1], branch_outputs(hidden)) * x.shape[2] * x.shape[3] < 2**31
    )


def _fits_cpu(x: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
    )


def _pays(locations: int, hidden: int) -> bool:
    """Whether the CPU's form takes less time than the plain one, as measured."""
    if torch.is_grad_enabled():
        return locations >= PAYS_IN_TRAINING
    return locations >= PAYS_IN_INFERENCE and hidden <= PAYS_UP_TO_OUTPUTS


def _as_built(module: nn.Module, x: Tensor, hidden: int) -> bool:
    """Whether the weights alone say what calling the module's parts would do.

    Hooks, parametrizations, adapters, a quantizer's observers, other layers in place of ours and
    subclasses with other steps of the formula act when a part is called. Weights of another dtype
    or device than x go the plain way, too: calling the parts tells what is wrong.
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
    formula_unchanged = all(
        getattr(type(module), name) is step and name not in vars(module)
        for name, step in module.formula.items()
    )
    if not formula_unchanged or _has_any_global_hook():
        return False
    if not all(is_plain_conv(*conv) for conv in convs):
        return False
    mixed = torch.is_autocast_enabled(x.device.type)
    return all(
        part.weight.device == part.bias.device == x.device
        and (mixed or part.weight.dtype == part.bias.dtype == x.dtype)
        for part, *_ in convs
    )


def is_plain_conv(part: nn.Module, inputs: int, outputs: int, size: int) -> bool:
    """A plain convolution of this kernel size, with a bias, that keeps height and width."""
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
    """Of this class itself, not of a subclass, and with nothing that acts when it is called."""
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
    except Exception as error:  # whatever keeps them from working: the plain form works
        reason = str(error).partition("\n")[0]
        warnings.warn(
            f"Multi-Scale Attention runs without its Triton kernels, in its plain form: {reason}",
            stacklevel=2,
        )
        return False
    return True
