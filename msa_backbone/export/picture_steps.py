"""What happens to a picture before the network sees it, as the config says.

A file that wants its pictures resized and normalised by the caller is used wrongly sooner or later.
So the steps of the config's test pipeline and preprocessor go into the file, and it takes a picture
as a decoder gives it: RGB, uint8, of any size. Of several cameras it takes a picture each.
`picture_graph.py` writes them as nodes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmengine.config import Config
from torch import nn

from ..config_nodes import innermost, type_name
from ..errors import DataError
from .runtime.file_info import INPUT

RESIZING = ("Resize", "ResizeEdge", "CenterCrop")
"""The steps of a pipeline that change a picture's size."""

LOADING = ("LoadImageFromFile", "LoadModalities", "LoadAnnotations")
SETTINGS = {
    "LoadImageFromFile": set(),
    "LoadModalities": {"modalities"},
    "Resize": {"scale", "keep_ratio"},
    "ResizeEdge": {"scale", "edge"},
    "CenterCrop": {"crop_size"},
}
"""Settings of a step that are exported; others have to be left at their defaults."""


@dataclass(frozen=True)
class Camera:
    """One of the pictures that a file takes.

    Attributes:
        name: of the file's input.
        channels: of its pictures.
        mean, std: of the channels as the network gets them; None where nothing is normalised.
        rgb: whether the network gets colours as RGB, or else as BGR.
    """

    name: str = INPUT
    channels: int = 3
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    rgb: bool = False


@dataclass(frozen=True)
class PictureSteps:
    """The steps from pictures to a network's input.

    Attributes:
        resizing: nodes of the config, of the types in `RESIZING`.
        cameras: their channels are stacked in this order.
        divisor: both sides are padded to a multiple of it, at the right and at the bottom.
        pad_value: with what, after normalising.
    """

    resizing: tuple[Mapping, ...]
    cameras: tuple[Camera, ...]
    divisor: int
    pad_value: float


def picture_steps(cfg: Config, preprocessor: nn.Module) -> PictureSteps:
    """The steps of a config's test pipeline and of its model's preprocessor.

    Raises:
        DataError: for a step or a setting that cannot be exported, naming it.
    """
    pipeline = innermost(cfg.test_dataloader.dataset)[0].pipeline
    resizing = tuple(_resizing_steps(pipeline, cfg.filename))
    if hasattr(preprocessor, "then"):  # of several cameras
        cameras, padding = _cameras(preprocessor, cfg.filename), preprocessor.then
    else:
        cameras, padding = (_camera(preprocessor),), preprocessor
    if getattr(padding, "test_cfg", None):  # mmseg's, which pads in testing alone
        raise DataError(
            f"config {cfg.filename}: its data_preprocessor has a test_cfg, which cannot be "
            "exported: leave it out, the network takes any size"
        )
    return PictureSteps(
        resizing=resizing,
        cameras=cameras,
        divisor=1 if hasattr(padding, "size_divisor") else padding.pad_size_divisor,
        pad_value=float(padding.pad_value),
    )


def _resizing_steps(pipeline: Sequence[Mapping], config: str) -> list[Mapping]:
    """The steps of a pipeline that change a picture's size; refuses what is not exported."""
    resizing = []
    for step in pipeline:
        name = type_name(step)
        unknown = set(step) - {"type"} - SETTINGS.get(name, set(step))
        if name not in (*LOADING, *RESIZING) and not name.startswith("Pack"):
            unknown = {name}
        if unknown:
            raise DataError(
                f"config {config}: its test pipeline has {name} with "
                f"{', '.join(sorted(unknown))}, which cannot be exported: use "
                f"{', '.join(RESIZING)} with {', '.join(sorted(set.union(*SETTINGS.values())))}"
            )
        if name in RESIZING:
            resizing.append(step)
    return resizing


def _camera(preprocessor: nn.Module) -> Camera:
    """The only camera, as a toolbox's preprocessor treats it."""
    normalises = preprocessor._enable_normalize
    return Camera(
        mean=tuple(preprocessor.mean.flatten().tolist()) if normalises else None,
        std=tuple(preprocessor.std.flatten().tolist()) if normalises else None,
        rgb=bool(
            getattr(preprocessor, "to_rgb", False)  # mmpretrain's name
            or getattr(preprocessor, "_channel_conversion", False)
        ),
    )


def _cameras(preprocessor: nn.Module, config: str) -> tuple[Camera, ...]:
    """All cameras of a `MultiModalPreprocessor`."""
    modalities = preprocessor.modalities
    if unknown := [modality.name for modality in modalities if modality.unknown]:
        raise DataError(
            f"config {config}: {unknown[0]} has unknown places, which cannot be exported yet: "
            "export a model of pictures without them"
        )
    if preprocessor.leaves_out:
        raise DataError(
            f"config {config}: its data_preprocessor leaves cameras out (absent, black, only): "
            "export the model with all of them, whoever runs the file can leave one out"
        )
    return tuple(
        Camera(
            name=modality.name,
            channels=modality.channels,
            mean=tuple(getattr(preprocessor, f"mean_{number}").flatten().tolist()),
            std=tuple(getattr(preprocessor, f"std_{number}").flatten().tolist()),
            rgb=modality.bgr_to_rgb,
        )
        for number, modality in enumerate(modalities)
    )
