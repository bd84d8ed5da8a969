"""Which inputs the Triton kernels take, and which the kernels for few channels."""

from functools import cache

import torch
from torch import Tensor

KERNEL_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
KERNEL_DEVICE = "cuda"
KERNEL_CHANNELS = 2048
"""A program of a kernel has all channels of a location, at least, in its registers."""

KERNEL_SAMPLES = 65535
"""CUDA's limit for a grid; offsets inside of a sample have 32 bits."""

KERNEL_ALIGNMENT = 8
"""cuDNN's kernels for tensor cores want numbers of channels that are multiples of it."""

FEW_CHANNELS, FEW_OUTPUTS = 128, 8
"""Of x and of each branch: five open rows of taps have to fit the registers."""

SHARED_MEMORY = 148 * 2**10
"""Bytes that the weights of 128 channels and the tiles on their way take: A100, H100 and later."""


def branch_outputs(hidden: int) -> int:
    """Channels of the branches on a GPU: three times `hidden`, rounded up."""
    return KERNEL_ALIGNMENT * -(-3 * hidden // KERNEL_ALIGNMENT)


def has_few_channels(x: Tensor, hidden: int, dtype: torch.dtype) -> bool:
    """Whether one kernel can give the branches and the statistics together.

    Args:
        x: (N, C, H, W).
        hidden: outputs of each branch.
        dtype: of the branches; tiles of float32 do not fit the shared memory.
    """
    return (
        x.dtype == dtype != torch.float32
        and 1 < x.shape[1] <= FEW_CHANNELS
        and x.shape[0] * x.shape[2] * x.shape[3] < 2**31  # the weights' gradient numbers them all
        and hidden <= FEW_OUTPUTS
        and x.is_contiguous(memory_format=torch.channels_last)
        and _shared_memory(x.device) >= SHARED_MEMORY
    )


@cache
def _shared_memory(device: torch.device) -> int:
    """Bytes that a block may share; Triton's interpreter on the CPU knows no limit."""
    if device.type != "cuda":
        return 2**31
    # AMD's GPUs do not say: they have 64 KiB.
    return getattr(torch.cuda.get_device_properties(device), "shared_memory_per_block_optin", 0)
