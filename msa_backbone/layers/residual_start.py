"""The start of modules of other packages: as the identity, and back to it after an `init_cfg`."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn


class ResidualStart(nn.Module):
    """y = x + s * (module(x) - x) with a weight s per channel that starts at zero.

    A gate with random weights halves the features it is put behind, and a pretrained network is
    lost. With s = 0 the network stays as it is, and training departs from there (LayerScale,
    https://arxiv.org/abs/2103.17239, section 2).

    Args:
        module: maps (N, C, H, W) to the same shape.
        channels: C.
    """

    def __init__(self, module: nn.Module, channels: int) -> None:
        super().__init__()
        self.module = module
        self.scale = nn.Parameter(torch.zeros(channels, 1, 1))

    def init_weights(self) -> None:
        """Restore the identity; mmengine calls this after any `init_cfg`."""
        nn.init.zeros_(self.scale)
        if hasattr(self.module, "init_weights"):
            self.module.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return torch.lerp(x, self.module(x).to(x.dtype), self.scale.to(x.dtype))


@torch.no_grad()
def is_identity(module: nn.Module, channels: int) -> bool:
    """Whether a module leaves its input as it is, tried on random numbers.

    One that starts with a branch of zeros does. It must not get a `ResidualStart` in addition: of
    a product of two zeros, the gradients are zero too, and neither would ever move.
    """
    mode = module.training
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    x = torch.randn(2, channels, 4, 4, device=device)
    same = torch.equal(module.eval()(x), x)
    module.train(mode)
    return same


def keep_zeros(module: nn.Module) -> nn.Module:
    """Let a module's `init_weights()` bring back its parameters that are zero now.

    An `init_cfg` overwrites them, and with them the identity, or the regular grid of a deformable
    convolution. A module with an `init_weights` of its own sees to them itself; on the meta device
    there are no values.

    Returns:
        The module, changed in place.
    """
    parameters = module.named_parameters()
    zeros = tuple(name for name, value in parameters if not value.is_meta and not value.any())
    if zeros and not hasattr(module, "init_weights"):
        module.init_weights = partial(_restore_zeros, module, zeros)
    return module


def _restore_zeros(module: nn.Module, zeros: Sequence[str]) -> None:
    for name in zeros:
        nn.init.zeros_(module.get_parameter(name))
