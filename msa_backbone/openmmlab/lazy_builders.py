"""What configs find by name, though importing this package imports no toolbox.

What is registered is a builder; it imports the class's module when a config asks for it.
"""

from mmengine.registry import DATASETS, HOOKS, METRICS, MODELS


@MODELS.register_module(name="VGGBBoxHead")
def vgg_bbox_head(**kwargs):
    """Build a VGGBBoxHead, importing mmdet only now."""
    from .heads.vgg_bbox_head import VGGBBoxHead

    return VGGBBoxHead(**kwargs)


@MODELS.register_module(name="UNetHead")
def unet_head(**kwargs):
    """Build a UNetHead, importing mmseg only now."""
    from .heads.unet_head import UNetHead

    return UNetHead(**kwargs)


@METRICS.register_module(name="ClasswiseIoUMetric")
def classwise_iou_metric(**kwargs):
    """Build a ClasswiseIoUMetric, importing mmseg only now."""
    from .metrics.classwise_iou import ClasswiseIoUMetric

    return ClasswiseIoUMetric(**kwargs)


@METRICS.register_module(name="ClasswiseSingleLabelMetric")
def classwise_single_label_metric(**kwargs):
    """Build a ClasswiseSingleLabelMetric, importing mmpretrain only now."""
    from .metrics.classwise_single_label import ClasswiseSingleLabelMetric

    return ClasswiseSingleLabelMetric(**kwargs)


@DATASETS.register_module(name="LabelMapDataset")
def label_map_dataset(**kwargs):
    """Build a LabelMapDataset, importing mmseg only now."""
    from .label_map_dataset import LabelMapDataset

    return LabelMapDataset(**kwargs)


@HOOKS.register_module(name="ReportHook")
def report_hook(**kwargs):
    """Build a ReportHook, importing matplotlib only now."""
    from .hooks.report_hook import ReportHook

    return ReportHook(**kwargs)
