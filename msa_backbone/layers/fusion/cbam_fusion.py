"""A sum of the modalities' maps with a weight for each channel and one for each location."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .modalities import gather
from .se_fusion import SEFusion


class CBAMFusion(SEFusion):
    """y = x_0 + sum over m > 0 of s_m * P_m x_m * ca_m * sa_m, the gates looking at all modalities.

    CBAM's gates (https://arxiv.org/abs/1807.06521, section 3), as CMX uses them for rectification
    (https://arxiv.org/abs/2203.04838, its CM-FRM): channel gates see averages and maxima of the
    channels, spatial gates see average and maximum over them. Deviations from CBAM: both gates see
    the maps as they come in. Deviations from CMX: those of `SEFusion`, the gates are multiplied
    as in CBAM instead of their terms being added, and the spatial gate is CBAM's 7x7 convolution.

    Arguments and errors are those of `SEFusion`.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        reduction_ratio: int = 16,
        zero_init: bool = True,
        layer_scale_init_value: float | None = None,
    ) -> None:
        super().__init__(in_channels, reduction_ratio, zero_init, layer_scale_init_value)
        self.spatial_gates = nn.ModuleList(
            nn.Conv2d(2 * len(self.in_channels), 1, kernel_size=7, padding=3)
            for _ in self.in_channels[1:]
        )

    def _gates(self, maps: Sequence[Tensor], flags: Sequence[Tensor | None]) -> list[Tensor]:
        averages = gather([x.mean(dim=(2, 3), keepdim=True) for x in maps], flags)
        maxima = gather([x.amax(dim=(2, 3), keepdim=True) for x in maps], flags)
        places = gather(
            [torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1) for x in maps],
            flags,
        )
        return [
            torch.sigmoid(channel(averages) + channel(maxima)) * torch.sigmoid(spatial(places))
            for channel, spatial in zip(self.channel_gates, self.spatial_gates, strict=True)
        ]
