"""What configs find by name, though importing this package imports no toolbox.

A class that needs mmdet, mmseg, mmpretrain, matplotlib or Pillow cannot register itself without
importing them. What is registered instead is a function; it imports the class's module when a
config asks for it.
"""

from importlib import import_module

from mmengine.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS, Registry


def register_lazily(registry: Registry, name: str, module: str) -> None:
    """Let a config's `type=name` build the class of this name, from a module of this folder."""

    def build(**kwargs) -> object:
        return getattr(import_module(module, __package__), name)(**kwargs)

    registry.register_module(name=name, module=build)


register_lazily(MODELS, "UNetHead", ".heads.unet_head")  # mmseg
register_lazily(MODELS, "VGGBBoxHead", ".heads.vgg_bbox_head")  # mmdet
register_lazily(DATASETS, "PictureQuestionDataset", ".datasets.question_dataset")  # Pillow
register_lazily(DATASETS, "PictureCaptionDataset", ".datasets.caption_dataset")  # Pillow
register_lazily(DATASETS, "LabelMapDataset", ".label_map_dataset")  # mmseg
register_lazily(METRICS, "ClasswiseIoUMetric", ".metrics.classwise_iou")  # mmseg
register_lazily(METRICS, "ClasswiseSingleLabelMetric", ".metrics.classwise_single_label")
register_lazily(HOOKS, "ReportHook", ".hooks.report_hook")  # matplotlib
register_lazily(TRANSFORMS, "LoadModalities", ".transforms.load_modalities")  # mmcv
register_lazily(TRANSFORMS, "OnModality", ".transforms.on_modality")  # mmcv
register_lazily(TRANSFORMS, "ThreeChannelsAtATime", ".transforms.three_channels_at_a_time")  # mmcv
