"""Metrics found by name, as the heads are: a builder that imports mmseg when a config asks."""

from mmengine.registry import METRICS


@METRICS.register_module(name="ClasswiseIoUMetric")
def classwise_iou_metric(**kwargs):
    """Build a ClasswiseIoUMetric, importing mmseg only now."""
    from .classwise_iou import ClasswiseIoUMetric

    return ClasswiseIoUMetric(**kwargs)
