"""Which form of Multi-Scale Attention's arithmetic serves a call.

    plain    the formula as torch operations: differentiable twice, open to tracers and hooks
    blocks   on CPUs: `blockwise.read` and `combination.combine`
    kernels  on GPUs: the same two passes as Triton kernels, see `kernels`

All give the same but for rounding. torch.compile, torch.export, torch.fx, torch.jit and
torch.func are given the plain form.
"""

import importlib
import warnings
from functools import cache

import torch
from torch import Tensor, nn

ENABLED = True
"""False: the plain form everywhere, such as for second derivatives."""

KERNEL_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
KERNEL_DEVICE = "cuda"


def form_for(module: nn.Module, x: object) -> str:
    """'plain', 'blocks' or 'kernels'.

    Args:
        module: a MultiScaleAttention.
        x: its input, (N, C, H, W), or what a tracer has in its place.
    """
    if not (ENABLED and type(x) is Tensor and x.numel() and _eager() and _as_built(module)):
        return "plain"
    if x.device.type == KERNEL_DEVICE and x.dtype in KERNEL_DTYPES and _kernels_work(x.device):
        return "kernels"
    if (
        x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        and _blocks_pay(x.shape[2] * x.shape[3], module.hidden_channels)
    ):
        return "blocks"
    return "plain"


def _eager() -> bool:
    return not (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()
        or torch._C._are_functorch_transforms_active()
    )


def _as_built(module: nn.Module) -> bool:
    """Whether nothing hangs on the parts, which the other forms do not call.

    Hooks, parametrizations, adapters and observers of a quantizer count on being called.
    """
    parts = [part for part in module.modules() if part is not module]
    return all(
        type(part) in _PARTS
        and not (part._forward_hooks or part._forward_pre_hooks)
        and not (part._backward_hooks or part._backward_pre_hooks)
        for part in parts
    )


_PARTS = {nn.Sequential, nn.Conv2d, nn.AdaptiveAvgPool2d, nn.ReLU, nn.Sigmoid}


def _blocks_pay(locations: int, hidden: int) -> bool:
    """Measured: small maps are all overhead; convolutions of many outputs are as fast as products.

    Their gradients are not.
    """
    return locations >= 256 if torch.is_grad_enabled() else locations >= 1024 and hidden < 16


@cache
def _kernels_work(device: torch.device) -> bool:
    """Whether Triton can compile and run here; a warning says why not, once."""
    try:
        kernels = importlib.import_module(".kernels", __package__)
        kernels.read(torch.zeros(1, 1, 1, 1, device=device))
    except Exception as error:  # whatever keeps them from working, the plain form does
        reason = str(error).partition("\n")[0]
        warnings.warn(
            f"Multi-Scale Attention runs without its Triton kernels, in its plain form: {reason}",
            stacklevel=2,
        )
        return False
    return True
