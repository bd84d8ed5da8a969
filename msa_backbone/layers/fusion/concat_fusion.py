"""A projection of the modalities' maps, put side by side."""

from collections.abc import Sequence

from torch import Tensor, nn

from .modalities import check_channels, check_maps, gather, presence_flags


class ConcatFusion(nn.Module):
    """y = x_0 + P cat[x_0, ..., x_{M-1}] with a 1x1 convolution P.

    Without `x_0 +` this is the usual fusion by concatenation
    (halfway fusion, https://arxiv.org/abs/1611.02644); with it, the same functions can be learned,
    and `zero_init` starts at y = x_0. An absent modality is zeros for P.

    Args:
        in_channels: C_0 to C_{M-1}, channels of each modality's map, the reference's first.
        zero_init: start P at zero.

    Raises:
        ValueError: for channels that are no sequence.
    """

    def __init__(self, in_channels: Sequence[int], zero_init: bool = True) -> None:
        super().__init__()
        self.in_channels = check_channels(in_channels)
        self.zero_init = zero_init
        self.projection = nn.Conv2d(sum(self.in_channels), self.in_channels[0], kernel_size=1)
        self.init_weights()

    def init_weights(self) -> None:
        """Restore the identity where it is asked for; mmengine calls this after any `init_cfg`."""
        if self.zero_init:
            nn.init.zeros_(self.projection.weight)
            nn.init.zeros_(self.projection.bias)

    def forward(self, x: Tensor, *others: Tensor, present: Tensor | None = None) -> Tensor:
        """As `MultiModalAttention.forward`."""
        maps = (x, *others)
        check_maps(maps, self.in_channels)
        return x + self.projection(gather(maps, presence_flags(present, x, len(maps))))
