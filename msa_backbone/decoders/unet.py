"""U-Net's expanding path over the feature maps of any backbone.

Source: U-Net, https://arxiv.org/abs/1505.04597, section 2. Every level halves its way up:

    up   = resize(conv1x1(coarser), size of skip)
    next = (conv3x3 - norm - act) x num_convs of cat[skip, up]

Deviations: a 1x1 convolution and bilinear interpolation to the skip's size stand for the 2x2
up-convolution, so that sizes need not double (odd inputs, any strides), and the convolutions are
padded, so that nothing is cropped. A 1x1 convolution and an interpolation commute: it runs on the
small map.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers.blocks import (
    build_activation,
    build_attention,
    build_conv3x3,
    build_norm,
    check_attention_options,
)

DEFAULT_NORM = {"type": "BN"}
DEFAULT_ACT = {"type": "ReLU"}


class UNetBlock(nn.Module):
    """One level: the coarser map is resized to the skip's size, joined with it and convolved.

    Args:
        in_channels: channels of the coarser map.
        skip_channels: channels of the skip.
        out_channels: channels of the output, and of the coarser map when it joins the skip.
        num_convs: 3x3 convolutions after the joint, at least 1.
        conv_cfg, norm_cfg, act_cfg: OpenMMLab-style layer dicts; None is a plain convolution, no
            norm.
        attention: `dict(type=..., ...)` of a registered module behind the convolutions, or None.
        zero_init: start that module as the identity.
        align_corners: of the interpolation.
    """

    def __init__(
        self,
        in_channels: int,
        skip_channels: int,
        out_channels: int,
        num_convs: int,
        conv_cfg: dict | None,
        norm_cfg: dict | None,
        act_cfg: dict,
        attention: dict | None,
        zero_init: bool,
        align_corners: bool,
    ) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.up_conv = nn.Conv2d(in_channels, out_channels, kernel_size=1)
        layers: list[nn.Module] = []
        channels = skip_channels + out_channels
        for _ in range(num_convs):
            layers.append(build_conv3x3(conv_cfg, channels, out_channels, dilation=1))
            if norm_cfg is not None:
                layers.append(build_norm(norm_cfg, out_channels))
            layers.append(build_activation(act_cfg))
            channels = out_channels
        self.convs = nn.Sequential(*layers)
        self.attention = (
            nn.Identity()
            if attention is None
            else build_attention(attention, out_channels, zero_init)
        )

    def forward(self, coarser: Tensor, skip: Tensor) -> Tensor:
        """(N, in_channels, h, w) and (N, skip_channels, H, W) -> (N, out_channels, H, W)."""
        up = F.interpolate(
            self.up_conv(coarser),
            size=skip.shape[-2:],
            mode="bilinear",
            align_corners=self.align_corners,
        )
        return self.attention(self.convs(torch.cat([skip, up], dim=1)))


class UNetDecoder(nn.Module):
    """From feature maps of any strides to one map of the finest one's size.

    Args:
        in_channels: channels of the feature maps, the finest first; at least two.
        channels: channels of the decoder's levels, the finest first: one fewer than feature maps,
            since the coarsest map is where the way up begins.
        num_convs: 3x3 convolutions a level.
        norm_inputs: pass each feature map through a norm of its own first. A backbone without norm
            layers needs it: VGG's stages differ in scale by hundreds, and the largest map would
            drown the others where they are joined.
        conv_cfg, norm_cfg, act_cfg: OpenMMLab-style layer dicts.
        attention: `dict(type=..., ...)` of a registered module behind every level, or None.
        zero_init: start that attention as the identity.
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
        norm_inputs: bool = False,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = DEFAULT_NORM,
        act_cfg: dict = DEFAULT_ACT,
        attention: dict | None = None,
        zero_init: bool = True,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        if len(in_channels) < 2 or len(channels) != len(in_channels) - 1:
            raise ValueError(
                f"channels={tuple(channels)} does not fit in_channels={tuple(in_channels)}: give "
                "two or more feature maps, and one level fewer than feature maps"
            )
        if num_convs < 1:
            raise ValueError(f"num_convs={num_convs} does not fit: give 1 or more")
        if norm_inputs and norm_cfg is None:
            raise ValueError("norm_inputs=True needs a norm_cfg")
        if attention is not None:
            check_attention_options(attention)
        self.in_channels = tuple(in_channels)
        self.out_channels = channels[0]
        self.input_norms = nn.ModuleList(
            build_norm(norm_cfg, c) if norm_inputs else nn.Identity() for c in in_channels
        )
        coarser_channels = (*channels[1:], in_channels[-1])
        self.blocks = nn.ModuleList(
            UNetBlock(
                coarser,
                skip,
                out,
                num_convs,
                conv_cfg,
                norm_cfg,
                act_cfg,
                attention,
                zero_init,
                align_corners,
            )
            for coarser, skip, out in zip(coarser_channels, in_channels[:-1], channels, strict=True)
        )

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
        *skips, x = (norm(f) for norm, f in zip(self.input_norms, features, strict=True))
        for block, skip in zip(reversed(self.blocks), reversed(skips), strict=True):
            x = block(x, skip)
        return x
