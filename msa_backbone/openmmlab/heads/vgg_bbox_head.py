"""The box head of the original VGG16 Faster R-CNN, for mmdet.

Source: Faster R-CNN, https://arxiv.org/abs/1506.01497, section 3.2 (fc6 and fc7 of VGG16).
"""

from mmdet.models.roi_heads.bbox_heads import Shared2FCBBoxHead
from mmengine.logging import MMLogger
from torch import nn

from ...backbones.vgg_weights import pretrained_cfgs
from ...files.checkpoints import read_state_dict


class VGGBBoxHead(Shared2FCBBoxHead):
    """Two shared 4096-wide layers on 7x7 RoI features: VGG16's fc6 and fc7.

    Args:
        dropout: probability after each shared layer, as in VGG16.
        init_cfg: `dict(type='Pretrained', checkpoint=...)` of a full VGG16 fills the shared
            layers from `classifier.{0,3}`; a file without a classifier leaves them random. The
            rest of the head, and any other `init_cfg`, is mmdet's; a list may have both.
        kwargs: mmdet's Shared2FCBBoxHead.
    """

    def __init__(
        self,
        dropout: float = 0.5,
        fc_out_channels: int = 4096,
        init_cfg: dict | list[dict] | None = None,
        **kwargs,
    ) -> None:
        pretrained = pretrained_cfgs(init_cfg)
        cfgs = init_cfg if isinstance(init_cfg, list) else [init_cfg]
        others = [cfg for cfg in cfgs if cfg is not None and cfg not in pretrained]
        super().__init__(fc_out_channels=fc_out_channels, init_cfg=others or None, **kwargs)
        self.checkpoint = pretrained[-1]["checkpoint"] if pretrained else None
        # Shared2FCBBoxHead applies one ReLU after each shared layer: dropout rides on it.
        self.relu = nn.Sequential(nn.ReLU(inplace=True), nn.Dropout(dropout))

    def init_weights(self) -> None:
        """mmdet's initialisation, then the checkpoint; a second call does nothing."""
        if self.is_init:
            return
        super().init_weights()
        self.load_configured_weights()

    def load_configured_weights(self) -> None:
        """Copy `classifier.{0,3}` of the file into the shared layers and say so.

        Raises:
            ValueError: if a layer of the file has another shape; otherwise as `read_state_dict`.
        """
        if self.checkpoint is None:
            return
        tensors = read_state_dict(self.checkpoint)
        states = []
        for layer, name in zip(self.shared_fcs, ("classifier.0", "classifier.3"), strict=True):
            key = next((key for key in tensors if key.endswith(f"{name}.weight")), None)
            if key is None:
                MMLogger.get_current_instance().info(
                    f"VGGBBoxHead: the weights hold no {name}; fc6 and fc7 start random"
                )
                return
            weight, bias = tensors[key], tensors[key.removesuffix("weight") + "bias"]
            if weight.shape != layer.weight.shape:
                raise ValueError(
                    f"{key} has shape {tuple(weight.shape)}, the box head "
                    f"{tuple(layer.weight.shape)}: "
                    "use in_channels=512, roi_feat_size=7 and fc_out_channels=4096"
                )
            states.append({"weight": weight, "bias": bias})
        for layer, state in zip(self.shared_fcs, states, strict=True):
            layer.load_state_dict(state)
        MMLogger.get_current_instance().info(
            "VGGBBoxHead: fc6 and fc7 loaded from classifier.{0,3}"
        )
