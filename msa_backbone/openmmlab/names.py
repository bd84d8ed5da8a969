"""Every name that a config's `type=` can give, and where its class lies.

A registry of mmengine finds a class after its module was imported. But torch takes seconds to
import, mmdet and mmseg need not be installed, and `--help` needs none of them. So
`import msa_backbone` imports no class. It tells the registries which names there are; who asks for
one first has its class imported.
"""

from importlib import import_module
from importlib.util import resolve_name

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


class Unimported:
    """Stands in a registry for a class that nobody has asked for yet.

    Args:
        module: where the class lies.
        name: of the class.
    """

    def __init__(self, module: str, name: str) -> None:
        self.__module__, self.name = module, name  # registries tell where a class comes from

    def load(self) -> type:
        try:
            return getattr(import_module(self.__module__), self.name)
        except ImportError as error:
            told = f"type={self.name!r} cannot be imported: {error}"
            raise ImportError(f"{told}; tools/doctor.py tells what to install") from error

    def __repr__(self) -> str:
        return f"<{self.__module__}.{self.name}, imported when it is asked for>"


class ImportedWhenAsked(dict):
    """A registry's classes by name; who asks for an `Unimported` one gets the class."""

    def __getitem__(self, name: str) -> type:
        found = super().__getitem__(name)
        if isinstance(found, Unimported):
            self[name] = found = found.load()
        return found

    def get(self, name: str, default: type | None = None) -> type | None:
        try:
            return self[name]
        except KeyError:
            return default

    def copy(self) -> "ImportedWhenAsked":
        return type(self)(self)


def register() -> None:
    """Let configs of mmengine, mmdet, mmseg and mmpretrain find the names.

    Raises:
        KeyError: for a name that somebody else has registered, as mmengine does.
    """
    for registry, modules in MODULES.items():
        ours = {
            name: Unimported(resolve_name(module, __package__), name)
            for module, names in modules.items()
            for name in names
        }
        theirs = registry._module_dict
        if isinstance(theirs, ImportedWhenAsked):  # the package is imported anew
            continue
        for name in ours.keys() & theirs:
            at = theirs[name].__module__
            raise KeyError(f"{name} is already registered in {registry.name} at {at}")
        # The registries of the toolboxes look into this dict of mmengine's; there is no public way
        # to give a registry a class that is not imported yet.
        registry._module_dict = ImportedWhenAsked({**theirs, **ours})
