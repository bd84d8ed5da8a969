"""A sum of the modalities' maps with a weight for each channel."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .modalities import check_channels, check_maps, gather, if_present, presence_flags
from .scaled_projection import ScaledProjection


class SEFusion(nn.Module):
    """y = x_0 + sum over m > 0 of s_m * P_m x_m * ca_m, the gates ca_m looking at all modalities.

    Squeeze-and-Excitation (https://arxiv.org/abs/1709.01507, section 3) over the averages of all
    modalities weights the channels that are added: the channel half of CMX's rectification
    (https://arxiv.org/abs/2203.04838, its CM-FRM). Deviations from CMX: one layer less in the
    gate; the maximum is left to `CBAMFusion`; s_m is learned for each channel instead of 0.5; a
    1x1 convolution P_m for any width; only the reference's stream receives.

    An absent modality adds nothing, and the gates see zeros in its place.

    Args:
        in_channels: C_0 to C_{M-1}, channels of each modality's map, the reference's first.
        reduction_ratio: r; the gates have C_0 // r hidden channels.
        zero_init: start the s_m at zero, so that y = x_0, instead of at one.
        layer_scale_init_value: another start of the s_m, whatever `zero_init` says.

    Raises:
        ValueError: for channels that are no sequence, or an r that is not in 1..C_0.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        reduction_ratio: int = 16,
        zero_init: bool = True,
        layer_scale_init_value: float | None = None,
    ) -> None:
        super().__init__()
        self.in_channels = check_channels(in_channels)
        reference, *others = self.in_channels
        if not 1 <= reduction_ratio <= reference:
            raise ValueError(
                f"reduction_ratio={reduction_ratio} does not fit in_channels={self.in_channels}: "
                f"choose 1 to {reference}"
            )
        hidden = reference // reduction_ratio
        self.projections = nn.ModuleList(
            ScaledProjection(width, reference, zero_init, layer_scale_init_value)
            for width in others
        )
        self.channel_gates = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(sum(self.in_channels), hidden, kernel_size=1),
                nn.ReLU(inplace=True),
                nn.Conv2d(hidden, reference, kernel_size=1),
            )
            for _ in others
        )

    def init_weights(self) -> None:
        """Restore the identity where it is asked for; mmengine calls this after any `init_cfg`."""
        for projection in self.projections:
            projection.init_weights()

    def forward(self, x: Tensor, *others: Tensor, present: Tensor | None = None) -> Tensor:
        """As `MultiModalAttention.forward`."""
        maps = (x, *others)
        check_maps(maps, self.in_channels)
        flags = presence_flags(present, x, len(maps))
        y = x
        gates = self._gates(maps, flags)
        for projection, x_m, gate, flag in zip(
            self.projections, others, gates, flags[1:], strict=True
        ):
            y = y + projection(x_m) * if_present(gate, flag)
        return y

    def _gates(self, maps: Sequence[Tensor], flags: Sequence[Tensor | None]) -> list[Tensor]:
        """For each modality beside the reference, a gate that multiplies its map."""
        averages = gather([x.mean(dim=(2, 3), keepdim=True) for x in maps], flags)
        return [torch.sigmoid(gate(averages)) for gate in self.channel_gates]
