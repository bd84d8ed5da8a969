"""Every name that a config's `type=` can give, and where its class lies.

A registry of mmengine finds a class after its module was imported. But torch takes seconds to
import, mmdet and mmseg need not be installed, and `--help` needs none of them. So
`import msa_backbone` imports no class. It tells the registries which names there are; who asks for
one first has its class imported.
"""

from importlib import import_module

from mmengine.registry import (
    DATA_SAMPLERS,
    DATASETS,
    HOOKS,
    METRICS,
    MODELS,
    OPTIM_WRAPPERS,
    TRANSFORMS,
)

MODULES = {
    MODELS: {
        "..backbones": ("MSAVGG", "MultiModalMSAVGG"),
        "..layers": (
            "AxialAttention",
            "CBAMFusion",
            "ConcatFusion",
            "DeformableMultiScaleAttention",
            "GroupedMultiScaleAttention",
            "LinearAttention",
            "MultiModalAttention",
            "MultiScaleAttention",
            "SEFusion",
            "SelectiveMultiScaleAttention",
            "SumFusion",
            "TimmAttention",
        ),
        "..language": (
            "FiLM",
            "GRUTextEncoder",
            "LanguageConditionedAttention",
            "MSAAnswerer",
            "MSACaptioner",
        ),
        ".heads.unet_head": ("UNetHead",),
        ".heads.vgg_bbox_head": ("VGGBBoxHead",),
        ".multi_modal_preprocessor": ("MultiModalPreprocessor",),
        "..export.exported_model": ("ExportedForRunner",),
    },
    DATASETS: {
        ".datasets.caption_dataset": ("PictureCaptionDataset",),
        ".datasets.question_dataset": ("PictureQuestionDataset",),
        ".label_map_dataset": ("LabelMapDataset",),
    },
    DATA_SAMPLERS: {".datasets.picture_sampler": ("PictureSampler",)},
    TRANSFORMS: {
        ".transforms.load_modalities": ("LoadModalities",),
        ".transforms.on_modality": ("OnModality",),
        ".transforms.three_channels_at_a_time": ("ThreeChannelsAtATime",),
    },
    METRICS: {
        ".metrics.answer_accuracy": ("AnswerAccuracy",),
        ".metrics.caption_scores": ("CaptionScores",),
        ".metrics.classwise_iou": ("ClasswiseIoUMetric",),
        ".metrics.classwise_single_label": ("ClasswiseSingleLabelMetric",),
        ".metrics.right_by_image": ("RightByImage",),
    },
    HOOKS: {
        ".hooks.atomic_checkpoint_hook": ("AtomicCheckpointHook",),
        ".hooks.attention_ratio_hook": ("AttentionRatioHook",),
        ".hooks.channels_last_hook": ("ChannelsLastHook",),
        ".hooks.progressive_attention_hook": ("ProgressiveAttentionHook",),
        ".hooks.report_hook": ("ReportHook",),
        ".hooks.seed_hook": ("SeedHook",),
    },
    OPTIM_WRAPPERS: {".cpu_amp_optim_wrapper": ("CPUAmpOptimWrapper",)},
}


class ImportedWhenAsked(dict):
    """A registry's classes by name; those in `modules` are imported when somebody asks for them."""

    def __init__(self, registered: dict[str, type], modules: dict[str, str]) -> None:
        super().__init__(registered)
        self.modules = modules

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self.modules

    def __missing__(self, name: str) -> type:
        self[name] = cls = getattr(import_module(self.modules[name], __package__), name)
        return cls


def register() -> None:
    """Let configs of mmengine, mmdet, mmseg and mmpretrain find the names."""
    for registry, modules in MODULES.items():
        found = {name: module for module, names in modules.items() for name in names}
        # The registries of the toolboxes look into this dict of mmengine's; there is no public way
        # to give a registry a class that is not imported yet.
        registry._module_dict = ImportedWhenAsked(registry._module_dict, found)
