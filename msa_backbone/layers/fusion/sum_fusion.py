"""The sum of the modalities' maps."""

from collections.abc import Sequence

from torch import Tensor, nn

from .modalities import check_channels, check_maps, if_present, presence_flags


class SumFusion(nn.Module):
    """y = x_0 + sum over m > 0 of P_m x_m, P_m a 1x1 convolution where C_m is not C_0, else none.

    The fusion of FuseNet (https://doi.org/10.1007/978-3-319-54181-5_14). An absent modality adds
    nothing.

    Args:
        in_channels: C_0 to C_{M-1}, channels of each modality's map, the reference's first.
        zero_init: start the P_m at zero. Maps of equal widths are added from the start all the
            same.

    Raises:
        ValueError: for channels that are no sequence.
    """

    def __init__(self, in_channels: Sequence[int], zero_init: bool = True) -> None:
        super().__init__()
        self.in_channels = check_channels(in_channels)
        self.zero_init = zero_init
        reference, *others = self.in_channels
        self.projections = nn.ModuleList(
            nn.Identity() if width == reference else nn.Conv2d(width, reference, kernel_size=1)
            for width in others
        )
        self.init_weights()

    def init_weights(self) -> None:
        """Restore zeros where they are asked for; mmengine calls this after any `init_cfg`."""
        if self.zero_init:
            for parameter in self.projections.parameters():
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor, *others: Tensor, present: Tensor | None = None) -> Tensor:
        """As `MultiModalAttention.forward`."""
        check_maps((x, *others), self.in_channels)
        _, *flags = presence_flags(present, x, len(self.in_channels))
        y = x
        for projection, x_m, flag in zip(self.projections, others, flags, strict=True):
            y = y + if_present(projection(x_m), flag)
        return y
