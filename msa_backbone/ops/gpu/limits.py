"""Which inputs the Triton kernels take."""

import torch

KERNEL_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
KERNEL_DEVICE = "cuda"
KERNEL_CHANNELS = 2048
"""A program of a kernel has all channels of a location, at least, in its registers."""

KERNEL_SAMPLES = 65535
"""CUDA's limit for a grid; offsets inside of a sample have 32 bits."""

KERNEL_ALIGNMENT = 8
"""cuDNN's kernels for tensor cores want numbers of channels that are multiples of it."""


def branch_outputs(hidden: int) -> int:
    """Channels of the branches on a GPU: three times `hidden`, a constant one, and padding."""
    return KERNEL_ALIGNMENT * -(-(3 * hidden + 1) // KERNEL_ALIGNMENT)
