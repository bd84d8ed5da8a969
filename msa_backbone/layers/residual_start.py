"""A start as the identity for attention modules that have none, as those of other packages."""

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
        return torch.lerp(x, self.module(x), self.scale.to(x.dtype))


@torch.no_grad()
def is_identity(module: nn.Module, channels: int) -> bool:
    """Whether a module leaves its input as it is, tried on random numbers.

    One that starts with a branch of zeros does. It must not get a `ResidualStart` in addition: of
    a product of two zeros, the gradients are zero too, and neither would ever move.
    """
    mode = module.training
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    if device.type == "meta":
        return False
    x = torch.randn(2, channels, 4, 4, device=device)
    same = torch.equal(module.eval()(x), x)
    module.train(mode)
    return same
