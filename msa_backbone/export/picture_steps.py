"""What happens to a picture before the network sees it, as the config says.

A file that wants its pictures resized and normalised by the caller is used wrongly sooner or later.
So the steps of the config's test pipeline and preprocessor go into the file, and it takes a picture
as a decoder gives it: RGB, uint8, of any size. Of several cameras it takes a picture each, uint8
or, where depth or a thermal camera has more bits, float32.
`picture_graph.py` writes them as nodes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmengine.config import Config
from torch import nn

from ..config_nodes import innermost, type_name
from ..errors import DataError
from ..files.modality import mean_of_eight_bits
from .runtime.file_info import INPUT

RESIZING = ("Resize", "ResizeEdge", "CenterCrop")
"""The steps of a pipeline that change a picture's size."""

LOADING = ("LoadImageFromFile", "LoadModalities", "LoadAnnotations")
SETTINGS = {
    "LoadImageFromFile": {"backend_args", "file_client_args"},  # a file loads nothing
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
        unknown: whether 0, NaN or infinity stand for places that were not measured.
    """

    name: str = INPUT
    channels: int = 3
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    rgb: bool = False
    unknown: bool = False


@dataclass(frozen=True)
class PictureSteps:
    """The steps from pictures to a network's input.

    Attributes:
        resizing: nodes of the config, of the types in `RESIZING`.
        cameras: their channels are stacked in this order.
        divisor: both sides are padded to a multiple of it, at the right and at the bottom.
        pad_value: with what, after normalising.
        named: whether cameras have names, as several have: there are flags of those that are there.
        dtype: 'uint8', which is resized in whole numbers, or 'float32'.
    """

    resizing: tuple[Mapping, ...]
    cameras: tuple[Camera, ...]
    divisor: int
    pad_value: float
    named: bool = False
    dtype: str = "uint8"


def picture_steps(cfg: Config, preprocessor: nn.Module, dtype: str | None = None) -> PictureSteps:
    """The steps of a config's test pipeline and of its model's preprocessor.

    Args:
        dtype: of the pictures, 'uint8' or 'float32'; None stands for float32 where the cameras'
            settings tell of more than 8 bits.

    Raises:
        DataError: for a step or a setting that cannot be exported, naming it.
    """
    pipeline = innermost(cfg.test_dataloader.dataset)[0].pipeline
    resizing = tuple(_resizing_steps(pipeline, cfg.filename))
    named = hasattr(preprocessor, "then")
    if named:
        cameras, padding = _cameras(preprocessor, cfg.filename), preprocessor.then
    else:
        cameras, padding = (_camera(preprocessor),), preprocessor
    beyond = named and any(m.unknown or not mean_of_eight_bits(m) for m in preprocessor.modalities)
    if dtype == "uint8" and any(camera.unknown for camera in cameras):
        raise DataError(
            f"config {cfg.filename}: unknown places are resized as float32; leave --dtype out"
        )
    if dtype == "float32" and not named:
        raise DataError(
            f"config {cfg.filename}: its pictures have 8 bits; float32 is for LoadModalities"
        )
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
        named=named,
        dtype=dtype or ("float32" if beyond else "uint8"),
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
            settings = ", ".join(sorted(set.union(*(SETTINGS[name] for name in RESIZING))))
            mend = f"use {', '.join(RESIZING)} with {settings}"
            if name in LOADING:
                mend = "leave them out"
            raise DataError(
                f"config {config}: its test pipeline has {name} with "
                f"{', '.join(sorted(unknown))}, which cannot be exported: {mend}"
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
            unknown=modality.unknown,
        )
        for number, modality in enumerate(preprocessor.modalities)
    )
