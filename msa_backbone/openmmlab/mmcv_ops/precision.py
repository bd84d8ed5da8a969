"""Number formats that torchvision's kernels do not all take."""

import torch
from torch import Tensor


def float32_if_16bit(*tensors: Tensor) -> list[Tensor]:
    """The tensors with float16 and bfloat16 turned into float32, others as they are."""
    return [t.float() if t.dtype in (torch.float16, torch.bfloat16) else t for t in tensors]
