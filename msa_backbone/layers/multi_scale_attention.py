"""Multi-Scale Attention (MSA): what three receptive fields see, gated per channel and per location.

The article's module in one formula, for x of shape (N, C, H, W), h = C // r and * elementwise:

    f  = fusion_1x1(cat[conv1x1(x), conv3x3(x), conv5x5(x)])         (N, C, H, W)
    ca = sigmoid(1x1(relu(1x1(global_average_pool(x)))))             (N, C, 1, 1)
    sa = sigmoid(conv7x7(cat[max_c(x), mean_c(x), std_c(x)]))        (N, 1, H, W)
    y  = x + f * ca * sa

Channel weights follow Squeeze-and-Excitation (https://arxiv.org/abs/1709.01507, section 3), spatial
weights CBAM (https://arxiv.org/abs/1807.06521, section 3) with the standard deviation as third
statistic; the parallel scales are Inception's (https://arxiv.org/abs/1409.4842, section 4).

Deviations from the published code: the fusion convolution can start at zero (`zero_init`), so that
a pretrained network keeps its function and training departs from there (ReZero,
https://arxiv.org/abs/2003.04887); the hidden width of the concatenation is 3 * (C // r), so that r
need not divide C; the statistics are accumulated in at least float32.
"""

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from . import blockwise, dispatch
from .combination import combine
from .taps import tap_matrix


def spatial_statistics(x: Tensor) -> Tensor:
    """Maximum, mean and unbiased standard deviation over the channels.

    The deviation is the norm of the centred values: no cancellation where the mean is large, no
    overflow in half precision, and a zero gradient where all channels are equal.

    Args:
        x: features, (N, C, H, W).

    Returns:
        (N, 3, H, W) in the dtype of x; the deviation of a single channel is 0.
    """
    accumulate = torch.promote_types(x.dtype, torch.float32)
    peak = x.amax(dim=1, keepdim=True)
    mean = x.mean(dim=1, keepdim=True, dtype=accumulate)
    degrees_of_freedom = max(x.shape[1] - 1, 1)
    std = torch.linalg.vector_norm(x - mean, dim=1, keepdim=True) / degrees_of_freedom**0.5
    return torch.cat([peak, mean.to(x.dtype), std.to(x.dtype)], dim=1)


# torch.fx keeps it as one call: it looks at sizes and dtypes.
torch.fx.wrap("spatial_statistics")


@MODELS.register_module()
class MultiScaleAttention(nn.Module):
    """Residual multi-scale branch gated by channel and spatial attention (shape-preserving).

    The published ablations are this class with parts switched off: `channel=False, spatial=False`
    is multi-scale only, and either flag adds its gate.

    Args:
        in_channels: C, channels of the input and of the output.
        reduction_ratio: r; the branches and the channel gate work on C // r channels.
        channel: gate f with channel weights.
        spatial: gate f with spatial weights.
        zero_init: start the fusion convolution at zero, so that y = x until training moves it.

    Raises:
        ValueError: if `reduction_ratio` is not in 1..in_channels.
    """

    def __init__(
        self,
        in_channels: int,
        reduction_ratio: int = 16,
        channel: bool = True,
        spatial: bool = True,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        if not 1 <= reduction_ratio <= in_channels:
            raise ValueError(
                f"reduction_ratio={reduction_ratio} does not fit in_channels={in_channels}: "
                f"choose 1 to {in_channels}"
            )
        hidden = in_channels // reduction_ratio
        self.zero_init = zero_init
        self.hidden_channels = hidden
        self.register_buffer("fused_taps", None, persistent=False)
        self.conv1x1 = nn.Conv2d(in_channels, hidden, kernel_size=1)
        self.conv3x3 = nn.Conv2d(in_channels, hidden, kernel_size=3, padding=1)
        self.conv5x5 = nn.Conv2d(in_channels, hidden, kernel_size=5, padding=2)
        # The pool and the sigmoids sit in the Sequentials so that the parameters keep the names
        # of the published formulation: channel_attention.{1,3} and spatial_attention.0.
        self.channel_attention = (
            nn.Sequential(
                nn.AdaptiveAvgPool2d(1),
                nn.Conv2d(in_channels, hidden, kernel_size=1),
                nn.ReLU(inplace=True),
                nn.Conv2d(hidden, in_channels, kernel_size=1),
                nn.Sigmoid(),
            )
            if channel
            else None
        )
        self.spatial_attention = (
            nn.Sequential(nn.Conv2d(3, 1, kernel_size=7, padding=3), nn.Sigmoid())
            if spatial
            else None
        )
        self.fusion_conv = nn.Conv2d(3 * hidden, in_channels, kernel_size=1)
        self.init_weights()

    def init_weights(self) -> None:
        """Restore the identity where it is asked for; mmengine calls this after any `init_cfg`."""
        if self.zero_init:
            nn.init.zeros_(self.fusion_conv.weight)
            nn.init.zeros_(self.fusion_conv.bias)

    def fuse(self) -> "MultiScaleAttention":
        """Prepare for inference: the branches' weights are rearranged once, not in every pass.

        They are used where no gradient is recorded. `train()` and loading weights undo it.
        """
        self.eval()
        with torch.no_grad():
            self.fused_taps = tap_matrix(*(conv.weight for conv in self._branches()))
        return self

    def _unfuse(self) -> None:
        self.fused_taps = None

    def train(self, mode: bool = True) -> "MultiScaleAttention":
        """As in torch; training undoes `fuse`."""
        if mode:
            self._unfuse()
        return super().train(mode)

    def _load_from_state_dict(self, *args: object) -> None:
        self._unfuse()
        super()._load_from_state_dict(*args)

    def multi_scale_features(self, x: Tensor) -> Tensor:
        """The fused branches f, (N, C, H, W)."""
        scales = [conv(x) for conv in self._branches()]
        return self.fusion_conv(torch.cat(scales, dim=1))

    def channel_weights(self, x: Tensor) -> Tensor:
        """The channel gate ca, (N, C, 1, 1), in 0..1. Needs `channel=True`."""
        return self.channel_attention(x)

    def spatial_weights(self, x: Tensor) -> Tensor:
        """The spatial gate sa, (N, 1, H, W), in 0..1. Needs `spatial=True`."""
        return self.spatial_attention(spatial_statistics(x))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        form = dispatch.form_for(self, x)
        if form == "blocks":
            return self._forward_in_blocks(x)
        if form == "kernels":
            return self._forward_in_kernels(x)
        branch = self.multi_scale_features(x)
        if self.channel_attention is not None:
            branch = branch * self.channel_weights(x)
        if self.spatial_attention is None:
            return x + branch
        return torch.addcmul(x, branch, self.spatial_weights(x))

    def _forward_in_blocks(self, x: Tensor) -> Tensor:
        """The same in two passes over x; the branches' biases go through the fusion to its bias."""
        branches = self._branches()
        taps = None if torch.is_grad_enabled() else self.fused_taps
        x, scales, statistics, average = blockwise.read(
            x,
            [conv.weight for conv in branches],
            taps,
            statistics=self.spatial_attention is not None,
        )
        channel = spatial = None
        if self.channel_attention is not None:
            channel = self.channel_attention(average)
        if self.spatial_attention is not None:
            conv = self.spatial_attention[0]
            spatial = blockwise.convolve_to_one(statistics, conv.weight, conv.bias).sigmoid_()
        weight = self.fusion_conv.weight.flatten(1)
        bias = self.fusion_conv.bias + weight @ torch.cat([conv.bias for conv in branches])
        return combine(x, scales, spatial, channel, weight, bias)

    def _forward_in_kernels(self, x: Tensor) -> Tensor:
        """The same with the statistics and the combination as one kernel each."""
        from . import kernels

        average, channel, spatial = x, None, None
        if self.spatial_attention is not None:
            x, statistics, average = kernels.read(x)
            spatial = self.spatial_attention(statistics)
        if self.channel_attention is not None:
            channel = self.channel_attention(average)
        scales = torch.cat([conv(x) for conv in self._branches()], dim=1)
        weight, bias = self.fusion_conv.weight.flatten(1), self.fusion_conv.bias
        return combine(x, scales, spatial, channel, weight, bias, in_kernel=True)

    def _branches(self) -> tuple[nn.Conv2d, ...]:
        return self.conv1x1, self.conv3x3, self.conv5x5
