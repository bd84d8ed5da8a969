"""What configs find by name, though importing this package imports no toolbox.

What is registered is a builder; it imports the class's module when a config asks for it.
"""

from mmengine.registry import DATASETS, METRICS, MODELS


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


@METRICS.register_module(name="ClasswiseIoUMetric")
def classwise_iou_metric(**kwargs):
    """Build a ClasswiseIoUMetric, importing mmseg only now."""
    from .classwise_iou import ClasswiseIoUMetric

    return ClasswiseIoUMetric(**kwargs)


@METRICS.register_module(name="ClasswiseSingleLabelMetric")
def classwise_single_label_metric(**kwargs):
    """Build a ClasswiseSingleLabelMetric, importing mmpretrain only now."""
    from .classwise_labels import ClasswiseSingleLabelMetric

    return ClasswiseSingleLabelMetric(**kwargs)


@DATASETS.register_module(name="LabelMapDataset")
def label_map_dataset(**kwargs):
    """Build a LabelMapDataset, importing mmseg only now."""
    from .label_map_dataset import LabelMapDataset

    return LabelMapDataset(**kwargs)
