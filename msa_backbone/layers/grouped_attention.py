"""Multi-Scale Attention on groups of channels."""

import torch
from torch import Tensor, nn

from .multi_scale_attention import MultiScaleAttention


class GroupedMultiScaleAttention(nn.Module):
    """Channels in groups, each with a Multi-Scale Attention of its own.

    Grouping divides the weights and the arithmetic of the branches by the number of groups
    (ResNeXt, https://arxiv.org/abs/1611.05431, section 3); every group has its own gates, as in
    SGE (https://arxiv.org/abs/1905.09646, section 3).

    Args:
        in_channels: C, channels of the input and of the output.
        reduction_ratio: r; a group's branches work on max(C // groups // r, 1) channels.
        groups: a divisor of C.
        channel, spatial, dropout, drop_path, gate_norm, zero_init: as in `MultiScaleAttention`;
            what `drop_path` leaves out of a sample is the branch of one group.

    Raises:
        ValueError: if `groups` does not divide `in_channels`; else as `MultiScaleAttention`.
    """

    def __init__(
        self,
        in_channels: int,
        reduction_ratio: int = 16,
        groups: int = 4,
        channel: bool = True,
        spatial: bool = True,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        gate_norm: bool = False,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        if groups < 1 or in_channels % groups:
            raise ValueError(f"groups={groups} does not divide in_channels={in_channels}")
        width = in_channels // groups
        self.groups = nn.ModuleList(
            MultiScaleAttention(
                width,
                min(reduction_ratio, width),
                channel=channel,
                spatial=spatial,
                dropout=dropout,
                drop_path=drop_path,
                gate_norm=gate_norm,
                zero_init=zero_init,
            )
            for _ in range(groups)
        )

    def init_weights(self) -> None:
        """Restore the identity where it is asked for; mmengine calls this after any `init_cfg`."""
        for group in self.groups:
            group.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        parts = x.chunk(len(self.groups), dim=1)
        attended = [group(part) for group, part in zip(self.groups, parts, strict=True)]
        return torch.cat(attended, dim=1)
