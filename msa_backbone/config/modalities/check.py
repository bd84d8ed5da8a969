"""What does not fit together in a config of several modalities is found before a run starts.

OpenMMLab's transforms meet more than three channels in different ways: Mosaic fails with a message
about broadcasting, PhotoMetricDistortion fails or drops channels, others treat infrared as a
colour. So configs that load several modalities have to wrap them. Its preprocessors cut more than
three channels to three without a word.
"""

import inspect
from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.config import Config
from mmengine.registry import MODELS

from ...config_nodes import LOADERS, find_nodes, type_name
from ...files.modality import Modality, modalities_of

_THREE_CHANNELS = (
    "Mosaic MixUp RandomMosaic RandomAffine Expand CutOut RandomCutOut RandomErasing Pad "
    "ShearX ShearY TranslateX TranslateY"
)
_PHOTOMETRIC = (
    "PhotoMetricDistortion YOLOXHSVRandomAug Color Brightness Contrast Sharpness Solarize "
    "SolarizeAdd Posterize Equalize AutoContrast Invert ColorTransform Corrupt CLAHE RGB2Gray "
    "AdjustGamma Rerange RandomGrayscale"
)
WRAPPERS = {
    **dict.fromkeys(_THREE_CHANNELS.split(), "dict(type='ThreeChannelsAtATime', transform=...)"),
    **dict.fromkeys(_PHOTOMETRIC.split(), "dict(type='OnModality', transforms=[...])"),
}
THREE_CHANNELS_ONLY = ("DetDataPreprocessor", "SegDataPreProcessor", "ImgDataPreprocessor")
REFUSED = {
    "CachedMosaic": "Mosaic in dict(type='ThreeChannelsAtATime', transform=...)",
    "CachedMixUp": "MixUp in dict(type='ThreeChannelsAtATime', transform=...)",
    "RandAugment": "the transforms that you want, photometric ones in OnModality",
    "AutoAugment": "the transforms that you want, photometric ones in OnModality",
    "Albu": "it into OnModality for changes of colours, the toolbox's own transforms for geometry",
    "InstaBoost": "Mosaic or MixUp in dict(type='ThreeChannelsAtATime', transform=...)",
    "Normalize": "mean and std of the modalities, by which the data_preprocessor normalises",
}


def check_modalities(cfg: Config) -> None:
    """Refuse pipelines, a preprocessor and a backbone of several modalities that do not fit.

    Configs that load one camera pass.

    Raises:
        ValueError: naming what does not fit, and how to write it.
    """
    for place in (*LOADERS, "tta_pipeline"):
        for load in find_nodes(cfg.get(place), "LoadModalities"):  # one for each of its data sets
            modalities = modalities_of(load["modalities"])
            _check_transforms(cfg, place, modalities)
            _check_model(cfg, place, modalities, load.get("absent", ()))


def _check_transforms(cfg: Config, place: str, modalities: tuple[Modality, ...]) -> None:
    """Refuse what loads several modalities and does not wrap the transforms that need it."""
    channels = sum(modality.channels + modality.unknown for modality in modalities)
    for step in _unwrapped(cfg[place]):
        name = type_name(step)
        if name in REFUSED and "policies" not in step:  # whose transforms are looked at
            raise ValueError(
                f"{place}: {name} does not work with several modalities: take {REFUSED[name]}"
            )
        if name in WRAPPERS and (name != "Pad" or not _fills(step, channels)):
            raise ValueError(
                f"{place}: {name} is made for three channels, and several modalities are "
                f"loaded: write {WRAPPERS[name]} around it"
            )


def _check_model(
    cfg: Config, place: str, modalities: tuple[Modality, ...], absent: Sequence[str]
) -> None:
    """Refuse a preprocessor or a backbone that takes what is loaded for something else."""
    model = cfg.get("model") or {}
    preprocessor = model.get("data_preprocessor") or cfg.get("data_preprocessor") or {}
    backbone = model.get("backbone") or {}
    if len(modalities) > 1 and type_name(preprocessor) in THREE_CHANNELS_ONLY:
        raise ValueError(
            f"{place} loads {len(modalities)} modalities, of which {type_name(preprocessor)} "
            "would keep three channels: write data_preprocessor=dict(type='MultiModalPreprocessor',"
            f" modalities=..., then=dict(type='{type_name(preprocessor)}'))"
        )
    if type_name(preprocessor) != "MultiModalPreprocessor":
        return
    known = modalities_of(preprocessor["modalities"])
    if _layout(known) != _layout(modalities):
        raise ValueError(
            f"{place} loads {_layout(modalities)}, the data_preprocessor expects "
            f"{_layout(known)}: give both the same list of modalities"
        )
    for loaded, used in zip(modalities, known, strict=True):
        for name in ("mean", "std", "bgr_to_rgb"):
            given, acts = getattr(loaded, name), getattr(used, name)
            if not np.all(np.equal(given, acts)):  # one number stands for all channels
                raise ValueError(
                    f"{place} loads {used.name} with {name}={given}, the data_preprocessor, which "
                    f"alone normalises, has {acts}: give both the same list of modalities"
                )
    used = preprocessor.get("only") or [modality.name for modality in known]
    told = preprocessor.get("absent", ())
    if unread := [name for name in used if name in absent and name not in told]:
        raise ValueError(
            f"{place} does not read {', '.join(unread)} (LoadModalities, absent), and the network "
            f"would take zeros for a black picture: give the data_preprocessor absent={unread} too"
        )
    channels = tuple(modality.channels for modality in known if modality.name in used)
    given = backbone_channels(backbone)
    # Neighbours may share a stream; all of them do in early fusion.
    ends, borders = np.cumsum(given).tolist(), np.cumsum(channels).tolist()
    if given and (ends[-1] != borders[-1] or not set(ends) <= set(borders)):
        raise ValueError(
            f"the backbone has in_channels={given}, but {', '.join(used)} have {channels}: give "
            "those of each modality, in this order, or their sum for early fusion"
        )
    if preprocessor.get("dropout") and np.any(backbone.get("modality_dropout", 0)):
        raise ValueError(
            "dropout of the data_preprocessor and modality_dropout of the backbone would both take "
            "modalities away: keep one of them, the preprocessor's draws black pictures as well"
        )


def backbone_channels(backbone: dict) -> tuple[int, ...]:
    """What a backbone takes, as its config or else its class says; nothing if neither does."""
    given = backbone.get("in_channels")
    cls = backbone.get("type")
    cls = MODELS.get(cls) if isinstance(cls, str) else cls
    if given is None and cls:
        parameter = inspect.signature(cls).parameters.get("in_channels")
        given = parameter and parameter.default
    return () if given in (None, inspect.Parameter.empty) else tuple(np.ravel(given).tolist())


def _fills(pad: dict, channels: int) -> bool:
    """Whether Pad works: OpenCV fills four channels at most, and all of them need a value."""
    value = pad.get("pad_val", 0)
    value = value.get("img", 0) if isinstance(value, dict) else value
    return channels <= 4 and (not isinstance(value, list | tuple) or len(value) == channels)


def _layout(modalities: tuple[Modality, ...]) -> str:
    """What decides which channel is what, in words."""
    return ", ".join(
        f"{m.name} ({m.channels} channels{' and a mask' if m.unknown else ''})" for m in modalities
    )


def _unwrapped(node: object) -> Iterator[dict]:
    """Transforms that see all channels, also those in RandomApply and its like."""
    if isinstance(node, dict):
        name = type_name(node)
        if name in ("OnModality", "ThreeChannelsAtATime"):
            return
        if name:
            yield node
        node = list(node.values())
    if isinstance(node, list | tuple):
        for inner in node:
            yield from _unwrapped(inner)
