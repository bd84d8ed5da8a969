"""A projection between widths that can start by adding nothing."""

import torch
from torch import Tensor, nn


class ScaledProjection(nn.Module):
    """s * P x: a 1x1 convolution P without bias, and a weight s per channel.

    A branch that is added starts at nothing while s = 0, and learns from the first step: P does not
    start at zero, so that s has a gradient (LayerScale, https://arxiv.org/abs/2103.17239, section
    2). Between equal widths P starts as the identity: with s = 1 the branch starts as x, so that
    networks from random weights start from a plain sum.

    Args:
        in_channels, out_channels: of P.
        zero_init: start s at zero instead of one.
    """

    def __init__(self, in_channels: int, out_channels: int, zero_init: bool) -> None:
        super().__init__()
        self.zero_init = zero_init
        self.projection = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.scale = nn.Parameter(torch.ones(out_channels, 1, 1))
        self.init_weights()

    def init_weights(self) -> None:
        """Restore the start; mmengine calls this after any `init_cfg`."""
        if self.projection.in_channels == self.projection.out_channels:
            nn.init.dirac_(self.projection.weight)
        if self.zero_init:
            nn.init.zeros_(self.scale)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H, W)."""
        projected = self.projection(x)
        return projected * self.scale.to(projected.dtype)
