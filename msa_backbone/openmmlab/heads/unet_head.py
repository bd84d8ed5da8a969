"""U-Net's decoder as an mmseg decode head.

mmseg's own UNet is encoder and decoder in one backbone; this head decodes any backbone.
"""

from collections.abc import Sequence

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor

from ...decoders.unet import DEFAULT_ACT, DEFAULT_NORM, UNetDecoder


class UNetHead(BaseDecodeHead):
    """Logits in the size of the finest feature map it reads.

    mmseg resizes them to the labels in training and to the image in testing; from a backbone's
    stride-1 map, as with `MSAVGG(out_before_pool=True)`, they have the image's size at once.

    Args:
        in_channels: channels of the feature maps it reads, the finest first.
        decoder_channels: channels of the decoder's level of each feature map.
        in_index: which of the backbone's feature maps it reads; the first `len(in_channels)` by
            default.
        num_convs, residual, conv_cfg, norm_cfg, act_cfg, attention, zero_init: as in
            UNetDecoder.
        align_corners: of every interpolation, the head's and the decoder's.
        kwargs: the options of every mmseg decode head: `num_classes`, `out_channels`, `threshold`,
            `dropout_ratio`, `loss_decode`, `ignore_index`, `sampler`, `init_cfg`.

    Raises:
        ValueError: as UNetDecoder.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        decoder_channels: Sequence[int],
        in_index: Sequence[int] | None = None,
        num_convs: int = 2,
        residual: bool = True,
        conv_cfg: dict | None = None,
        norm_cfg: dict = DEFAULT_NORM,
        act_cfg: dict = DEFAULT_ACT,
        attention: dict | None = None,
        zero_init: bool = True,
        align_corners: bool = False,
        **kwargs,
    ) -> None:
        in_index = range(len(in_channels)) if in_index is None else in_index
        if len(in_index) != len(in_channels):
            raise ValueError(
                f"in_index={tuple(in_index)} does not fit in_channels={tuple(in_channels)}: name "
                "one feature map for each"
            )
        shared = {"conv_cfg": conv_cfg, "norm_cfg": norm_cfg, "act_cfg": act_cfg}
        super().__init__(
            in_channels=tuple(in_channels),
            channels=decoder_channels[0],
            in_index=tuple(in_index),
            input_transform="multiple_select",
            align_corners=align_corners,
            **shared,
            **kwargs,
        )
        self.decoder = UNetDecoder(
            in_channels,
            decoder_channels,
            num_convs=num_convs,
            residual=residual,
            attention=attention,
            zero_init=zero_init,
            align_corners=align_corners,
            **shared,
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """The backbone's feature maps -> logits (N, out_channels, H_0, W_0)."""
        return self.cls_seg(self.decoder(self._transform_inputs(inputs)))
