"""Transforms that do not fit pictures of several cameras are found before a run starts.

OpenMMLab's transforms meet more than three channels in different ways: Mosaic fails with a message
about broadcasting, PhotoMetricDistortion fails or drops channels, others treat infrared as a
colour. So configs that load several modalities have to wrap them.
"""

from collections.abc import Iterator

from mmengine.config import Config

from ..config_nodes import LOADERS, pipeline_steps, type_name

_THREE_CHANNELS = "Mosaic MixUp RandomMosaic Expand CutOut RandomCutOut RandomErasing"
_PHOTOMETRIC = (
    "PhotoMetricDistortion YOLOXHSVRandomAug Color Brightness Contrast Sharpness Solarize "
    "SolarizeAdd Posterize Equalize AutoContrast Invert ColorTransform Corrupt CLAHE RGB2Gray "
    "AdjustGamma Rerange"
)
WRAPPERS = {
    **dict.fromkeys(_THREE_CHANNELS.split(), "dict(type='ThreeChannelsAtATime', transform=...)"),
    **dict.fromkeys(_PHOTOMETRIC.split(), "dict(type='OnModality', transforms=[...])"),
}
REFUSED = {"CachedMosaic": "Mosaic", "CachedMixUp": "MixUp"}


def check_paired_pipelines(cfg: Config) -> None:
    """Refuse pipelines that load several modalities and do not wrap what needs it.

    Raises:
        ValueError: naming the transform and how to write it.
    """
    for loader in LOADERS:
        steps = pipeline_steps(cfg, loader)
        if not any(type_name(step) == "LoadModalities" for step in steps):
            continue
        for name in _unwrapped(steps):
            if name in REFUSED:
                raise ValueError(
                    f"{loader}: {name} does not work with several modalities: take "
                    f"{REFUSED[name]} in {WRAPPERS[REFUSED[name]]}"
                )
            if name in WRAPPERS:
                raise ValueError(
                    f"{loader}: {name} is made for three channels, and several modalities are "
                    f"loaded: write {WRAPPERS[name]} around it"
                )


def _unwrapped(node: object) -> Iterator[str]:
    """The types of transforms that see all channels, also those in RandomApply and its like."""
    if isinstance(node, dict):
        name = type_name(node)
        if name in ("OnModality", "ThreeChannelsAtATime"):
            return
        if name:
            yield name
        node = list(node.values())
    if isinstance(node, list | tuple):
        for inner in node:
            yield from _unwrapped(inner)
