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

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from ..ops import select_form
from ..ops.channel_statistics import NormalisedAvgPool2d, divide_by_rms, spatial_statistics
from ..ops.cpu import forward as cpu
from .branch_drop import build_branch_drop

# torch.fx keeps them as one call: they look at sizes and dtypes.
torch.fx.wrap("spatial_statistics")
torch.fx.wrap("divide_by_rms")


class MultiScaleAttention(nn.Module):
    """Residual multi-scale branch gated by channel and spatial attention (shape-preserving).

    The published ablations are this class with parts switched off: `channel=False, spatial=False`
    is multi-scale only, and either flag adds its gate.

    Args:
        in_channels: C, channels of the input and of the output.
        reduction_ratio: r; the branches and the channel gate work on C // r channels.
        channel: gate f with channel weights.
        spatial: gate f with spatial weights.
        dropout: in training, probability of leaving a channel out of f.
        drop_path: in training, probability of leaving f out of a sample.
        gate_norm: divide what the gates look at, the averages of the channels and each statistic's
            map, by its root mean square in the sample. The published gates look at it as it is:
            behind a VGG without norm layers it is so large that their sigmoids are at 0 or 1 from
            the start, and hardly learn.
        zero_init: start the fusion convolution at zero, so that y = x until training moves it.

    Raises:
        ValueError: if `reduction_ratio` is not in 1..in_channels, or a probability not in [0, 1).
    """

    plain = False
    """True, on a class or on a module, asks for the plain form, operation by operation: see
    `ops/select_form.py`."""

    def __init__(
        self,
        in_channels: int,
        reduction_ratio: int = 16,
        channel: bool = True,
        spatial: bool = True,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        gate_norm: bool = False,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        if not 1 <= reduction_ratio <= in_channels:
            raise ValueError(
                f"reduction_ratio={reduction_ratio} does not fit in_channels={in_channels}: "
                f"choose 1 to {in_channels}"
            )
        hidden = in_channels // reduction_ratio
        self.gate_norm = gate_norm
        self.zero_init = zero_init
        self._build_scales(in_channels, hidden)
        # The pool and the sigmoids sit in the Sequentials so that the parameters keep the names
        # of the published formulation: channel_attention.{1,3} and spatial_attention.0.
        self.channel_attention = (
            nn.Sequential(
                NormalisedAvgPool2d(1) if gate_norm else nn.AdaptiveAvgPool2d(1),
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
        self.drop = build_branch_drop(dropout, drop_path)
        self.init_weights()

    def _build_scales(self, in_channels: int, hidden: int) -> None:
        self.conv1x1 = nn.Conv2d(in_channels, hidden, kernel_size=1)
        self.conv3x3 = nn.Conv2d(in_channels, hidden, kernel_size=3, padding=1)
        self.conv5x5 = nn.Conv2d(in_channels, hidden, kernel_size=5, padding=2)

    def init_weights(self) -> None:
        """Restore the identity where it is asked for; mmengine calls this after any `init_cfg`."""
        if self.zero_init:
            nn.init.zeros_(self.fusion_conv.weight)
            nn.init.zeros_(self.fusion_conv.bias)

    def multi_scale_features(self, x: Tensor) -> Tensor:
        """The fused branches f, (N, C, H, W)."""
        return self.fusion_conv(self.scales(x))

    def scales(self, x: Tensor) -> Tensor:
        """The three branches side by side, (N, 3 * h, H, W)."""
        return torch.cat([self.conv1x1(x), self.conv3x3(x), self.conv5x5(x)], dim=1)

    def channel_weights(self, x: Tensor) -> Tensor:
        """The channel gate ca, (N, C, 1, 1), in 0..1. Needs `channel=True`."""
        return self.channel_attention(x)

    def spatial_weights(self, x: Tensor) -> Tensor:
        """The spatial gate sa, (N, 1, H, W), in 0..1. Needs `spatial=True`."""
        return self.spatial_attention(self._gate_input(spatial_statistics(x)))

    def _gate_input(self, statistics: Tensor) -> Tensor:
        """The maps of statistics, (N, 3, H, W), as the spatial gate takes them."""
        return divide_by_rms(statistics, [2, 3]) if self.gate_norm else statistics

    formula: ClassVar[dict[str, Callable]] = {
        step.__name__: step
        for step in (multi_scale_features, scales, channel_weights, spatial_weights, _gate_input)
    }
    """The formula's steps as they are written here. The fast forms of `ops` compute these and call
    none: a subclass or a module that has another step in place of one takes the plain form."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        if not torch.jit.is_scripting():
            form = select_form.form_for(self, x)
            if form != "plain":
                return _hand_over(form, self, x)
        f = self.multi_scale_features(x)
        ca = self.channel_weights(x) if self.channel_attention is not None else None
        ca = self._drop(ca, x)
        if ca is not None:
            f = f * ca
        if self.spatial_attention is None:
            return x + f
        sa = self.spatial_weights(x)
        return torch.addcmul(x, f, sa)

    def _drop(self, channel: Tensor | None, x: Tensor) -> Tensor | None:
        """Dropout and drop-path: they zero parts of the channel gate and so leave them out of f."""
        if self.drop is None or not self.training:
            return channel
        if channel is None:
            channel = torch.ones(x.shape[0], x.shape[1], 1, 1, dtype=x.dtype, device=x.device)
        return self.drop(channel)


def _hand_over(form: str, module: MultiScaleAttention, x: Tensor) -> Tensor:
    """The same formula, faster. Outside the class, as TorchScript reads no import statements."""
    drop = module.drop if module.training else None
    if form == "cpu":
        return cpu.forward(module, x, drop)
    from ..ops.gpu import forward as gpu  # needs triton

    return gpu.forward(module, x, drop)
