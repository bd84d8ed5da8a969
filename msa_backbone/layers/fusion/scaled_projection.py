"""A projection between widths that can start by adding nothing."""

import torch
from torch import Tensor, nn


class ScaledProjection(nn.Module):
    """s * P x: a 1x1 convolution P without bias, and a weight s per channel.

    A branch that is added starts at nothing while s = 0, and learns from the first step: P does not
    start at zero, so that s has a gradient (LayerScale, https://arxiv.org/abs/2103.17239, section
    2). Between equal widths P starts as the identity: with s = 1 the branch starts as x, so that
    the network starts from a plain sum.

    Args:
        in_channels, out_channels: of P.
        zero_init: start s at zero instead of one.
        init_value: another start of s.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        zero_init: bool,
        init_value: float | None = None,
    ) -> None:
        super().__init__()
        self.init_value = float(not zero_init) if init_value is None else init_value
        self.projection = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.scale = nn.Parameter(torch.empty(out_channels, 1, 1))
        self.init_weights()

    def init_weights(self) -> None:
        """Restore the start; mmengine calls this after any `init_cfg`."""
        if self.projection.in_channels == self.projection.out_channels:
            nn.init.dirac_(self.projection.weight)
        nn.init.constant_(self.scale, self.init_value)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H, W)."""
        projected = self.projection(x)
        return projected * self.scale.to(projected.dtype)
