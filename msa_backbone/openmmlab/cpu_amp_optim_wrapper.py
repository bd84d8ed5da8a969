"""Mixed precision where mmengine's AmpOptimWrapper refuses: on the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import nn


class CPUAmpOptimWrapper(OptimWrapper):
    """OptimWrapper with bfloat16 autocast on the CPU; no loss scaling is needed."""

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with super().optim_context(model), torch.autocast("cpu", torch.bfloat16):
            yield
