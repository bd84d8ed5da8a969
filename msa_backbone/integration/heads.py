"""Heads found by name from any mmdet config, though importing this package imports no mmdet.

What is registered is a builder; it imports the head's module when a config asks for it.
"""

from mmengine.registry import MODELS


@MODELS.register_module(name="VGGBBoxHead")
def vgg_bbox_head(**kwargs):
    """Build a VGGBBoxHead, importing mmdet only now."""
    from .vgg_bbox_head import VGGBBoxHead

    return VGGBBoxHead(**kwargs)


@MODELS.register_module(name="UNetHead")
def unet_head(**kwargs):
    """Build a UNetHead, importing mmseg only now."""
    from .unet_head import UNetHead

    return UNetHead(**kwargs)
