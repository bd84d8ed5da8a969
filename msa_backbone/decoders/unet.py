"""U-Net's expanding path over the feature maps of any backbone, with residual levels.

Sources: U-Net, https://arxiv.org/abs/1505.04597, section 2; residual levels as in Deep Residual
U-Net, https://arxiv.org/abs/1711.10684, section II. A level joins its map with the coarser level:

    s = norm(conv1x1(map));  u = resize(conv1x1(coarser level), size of s)
    level = s + u + (conv3x3 - norm - act) x num_convs of cat[s, u]      the last one without act

The sum is a linear path from every map to the output, which learns in tens of iterations; with
`zero_init` the convolutions start as zero and depart from there (zero-initialised residuals,
https://arxiv.org/abs/1706.02677, section 5.1).

Deviations: bilinear interpolation to the map's size stands for the 2x2 up-convolution: sizes
need not double (odd inputs, any strides), behind the 1x1 convolution, with which it commutes. The
convolutions are padded: nothing is cropped. Every map is brought to its level's width and,
by the norm, to one scale: VGG's stages differ by hundreds.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers.attention_builder import build_attention, check_attention_options
from ..layers.blocks import build_activation, build_conv3x3, build_norm

DEFAULT_NORM = {"type": "BN"}
DEFAULT_ACT = {"type": "ReLU"}


class UNetLevel(nn.Module):
    """Joins a level's map with the coarser level.

    Args:
        coarser_channels: channels of the coarser level.
        channels: channels of the map and of the output.
        num_convs, residual, conv_cfg, norm_cfg, act_cfg, attention, zero_init, align_corners: as
            in UNetDecoder.
    """

    def __init__(
        self,
        coarser_channels: int,
        channels: int,
        num_convs: int,
        residual: bool,
        conv_cfg: dict | None,
        norm_cfg: dict,
        act_cfg: dict,
        attention: dict | None,
        zero_init: bool,
        align_corners: bool,
    ) -> None:
        super().__init__()
        self.residual = residual
        self.zero_init = zero_init
        self.align_corners = align_corners
        self.up_conv = nn.Conv2d(coarser_channels, channels, kernel_size=1)
        layers: list[nn.Module] = []
        for number in range(num_convs):
            joined = 2 * channels if number == 0 else channels
            layers.append(build_conv3x3(conv_cfg, joined, channels, dilation=1))
            layers.append(build_norm(norm_cfg, channels))
            if number < num_convs - 1 or not residual:
                layers.append(build_activation(act_cfg))
        self.convs = nn.Sequential(*layers)
        weight = getattr(layers[-1], "weight", None)
        if residual and zero_init and (weight is None or not weight.requires_grad):
            raise ValueError(
                f"{type(layers[-1]).__name__} has no weight that could start as zero and learn: "
                "give norm_cfg affine=True and requires_grad=True, or zero_init=False"
            )
        self.attention = (
            nn.Identity() if attention is None else build_attention(attention, channels, zero_init)
        )
        self.init_weights()

    def init_weights(self) -> None:
        """Start as the sum alone where asked to, and with the regular grid of DCN."""
        for layer in self.convs:
            if hasattr(layer, "init_weights"):
                layer.init_weights()
        if self.residual and self.zero_init:
            nn.init.zeros_(self.convs[-1].weight)
        if hasattr(self.attention, "init_weights"):
            self.attention.init_weights()

    def forward(self, skip: Tensor, coarser: Tensor) -> Tensor:
        """(N, channels, H, W) and (N, coarser_channels, h, w) -> (N, channels, H, W)."""
        up = F.interpolate(
            self.up_conv(coarser),
            size=skip.shape[-2:],
            mode="bilinear",
            align_corners=self.align_corners,
        )
        x = self.convs(torch.cat([skip, up], dim=1))
        if self.residual:
            x = skip + up + x
        return self.attention(x)


class UNetDecoder(nn.Module):
    """From feature maps of any strides to one map of the finest one's size.

    Args:
        in_channels: channels of the feature maps, the finest first; at least two.
        channels: channels of the level of each feature map.
        num_convs: 3x3 convolutions a level, at least 1.
        residual: add each level's inputs to its convolutions; False is the classic form, with an
            activation behind every convolution.
        conv_cfg, norm_cfg, act_cfg: OpenMMLab-style layer dicts.
        attention: `dict(type=..., ...)` of a registered module behind every level, or None.
        zero_init: start the convolutions of residual levels, and the attention, as adding nothing.
        align_corners: of the interpolation.

    Attributes:
        out_channels: channels of the output.

    Raises:
        ValueError: for options that do not fit together.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: Sequence[int],
        num_convs: int = 2,
        residual: bool = True,
        conv_cfg: dict | None = None,
        norm_cfg: dict = DEFAULT_NORM,
        act_cfg: dict = DEFAULT_ACT,
        attention: dict | None = None,
        zero_init: bool = True,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        if len(in_channels) < 2 or len(channels) != len(in_channels):
            raise ValueError(
                f"channels={tuple(channels)} does not fit in_channels={tuple(in_channels)}: give "
                "two or more feature maps, and a level's channels for each"
            )
        if num_convs < 1:
            raise ValueError(f"num_convs={num_convs} does not fit: give 1 or more")
        if norm_cfg is None:
            raise ValueError("norm_cfg=None does not fit: the maps have to come to one scale")
        if attention is not None:
            check_attention_options(attention)
        self.in_channels = tuple(in_channels)
        self.out_channels = channels[0]
        self.laterals = nn.ModuleList(
            nn.Sequential(nn.Conv2d(given, width, kernel_size=1), build_norm(norm_cfg, width))
            for given, width in zip(in_channels, channels, strict=True)
        )
        self.levels = nn.ModuleList(
            UNetLevel(
                coarser,
                finer,
                num_convs,
                residual,
                conv_cfg,
                norm_cfg,
                act_cfg,
                attention,
                zero_init,
                align_corners,
            )
            for finer, coarser in pairwise(channels)
        )

    def init_weights(self) -> None:
        """Restore the start that `zero_init` asks for; mmengine calls this after any `init_cfg`."""
        for level in self.levels:
            level.init_weights()

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Decode a backbone's feature maps.

        Args:
            features: (N, C_i, H_i, W_i), the finest first; any sizes.

        Returns:
            (N, out_channels, H_0, W_0).

        Raises:
            ValueError: if their number or their channels differ from `in_channels`.
        """
        channels = tuple(feature.shape[1] for feature in features)
        if channels != self.in_channels:
            raise ValueError(
                f"the feature maps have {channels} channels, the decoder was built for "
                f"in_channels={self.in_channels}, the finest first"
            )
        *skips, x = (lateral(f) for lateral, f in zip(self.laterals, features, strict=True))
        for level, skip in zip(reversed(self.levels), reversed(skips), strict=True):
            x = level(skip, x)
        return x
