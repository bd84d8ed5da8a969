"""Multi-Scale Attention that weights its kernel sizes for every sample."""

from torch import Tensor, nn

from .multi_scale_attention import MultiScaleAttention


class SelectiveMultiScaleAttention(MultiScaleAttention):
    """Every sample chooses, channel by channel, how much of each kernel size it takes.

    Selective kernels (https://arxiv.org/abs/1903.06586, section 3.1): a softmax over the scales,
    computed from the average of their sum, weights them. Deviations: the weights are multiplied by
    three, so that an undecided choice is the published module, and the weighted scales go to the
    fusion side by side instead of as their sum.

    Arguments and errors are those of `MultiScaleAttention`.
    """

    def _build_scales(self, in_channels: int, hidden: int) -> None:
        super()._build_scales(in_channels, hidden)
        self.selection = nn.Sequential(
            nn.Conv2d(hidden, hidden, kernel_size=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, 3 * hidden, kernel_size=1),
        )

    def scale_weights(self, scales: Tensor) -> Tensor:
        """(N, 3, h, H, W) -> (N, 3, h, 1, 1): the share of each scale, which add up to three."""
        pooled = scales.sum(dim=1).mean(dim=(2, 3), keepdim=True)
        return 3 * self.selection(pooled).unflatten(1, (3, -1)).softmax(dim=1)

    def scales(self, x: Tensor) -> Tensor:
        scales = super().scales(x).unflatten(1, (3, -1))
        return (scales * self.scale_weights(scales)).flatten(1, 2)
