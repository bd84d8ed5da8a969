"""What happens to a picture before the network sees it, as the config says.

A file that wants its pictures resized and normalised by the caller is used wrongly sooner or later.
So the steps of the config's test pipeline and preprocessor go into the file, and it takes a picture
as a decoder gives it: RGB, uint8, of any size.
`picture_graph.py` writes them as nodes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mmengine.config import Config
from torch import nn

from ..config_nodes import innermost, type_name
from ..errors import DataError

RESIZING = ("Resize", "ResizeEdge", "CenterCrop")
"""The steps of a pipeline that change a picture's size."""

LOADING = ("LoadImageFromFile", "LoadAnnotations")
SETTINGS = {
    "LoadImageFromFile": set(),
    "Resize": {"scale", "keep_ratio"},
    "ResizeEdge": {"scale", "edge"},
    "CenterCrop": {"crop_size"},
}
"""Settings of a step that are exported; others have to be left at their defaults."""


@dataclass(frozen=True)
class PictureSteps:
    """The steps from a picture to a network's input.

    Attributes:
        resizing: nodes of the config, of the types in `RESIZING`.
        mean, std: of the channels as the network gets them; None where nothing is normalised.
        rgb: whether the network gets RGB, or else BGR.
        divisor: both sides are padded to a multiple of it, at the right and at the bottom.
        pad_value: with what, after normalising.
    """

    resizing: tuple[Mapping, ...]
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    rgb: bool
    divisor: int
    pad_value: float


def picture_steps(cfg: Config, preprocessor: nn.Module) -> PictureSteps:
    """The steps of a config's test pipeline and of its model's preprocessor.

    Raises:
        DataError: for a step or a setting that cannot be exported, naming it.
    """
    pipeline = innermost(cfg.test_dataloader.dataset)[0].pipeline
    resizing = []
    for step in pipeline:
        name = type_name(step)
        unknown = set(step) - {"type"} - SETTINGS.get(name, set(step))
        if name not in (*LOADING, *RESIZING) and not name.startswith("Pack"):
            unknown = {name}
        if unknown:
            raise DataError(
                f"config {cfg.filename}: its test pipeline has {name} with "
                f"{', '.join(sorted(unknown))}, which cannot be exported: use "
                f"{', '.join(RESIZING)} with {', '.join(sorted(set.union(*SETTINGS.values())))}"
            )
        if name in RESIZING:
            resizing.append(step)
    if getattr(preprocessor, "test_cfg", None):  # mmseg's, which pads in testing alone
        raise DataError(
            f"config {cfg.filename}: its data_preprocessor has a test_cfg, which cannot be "
            "exported: leave it out, the network takes any size"
        )
    normalises = preprocessor._enable_normalize
    return PictureSteps(
        resizing=tuple(resizing),
        mean=tuple(preprocessor.mean.flatten().tolist()) if normalises else None,
        std=tuple(preprocessor.std.flatten().tolist()) if normalises else None,
        rgb=bool(
            getattr(preprocessor, "to_rgb", False)  # mmpretrain's name
            or getattr(preprocessor, "_channel_conversion", False)
        ),
        divisor=1 if hasattr(preprocessor, "size_divisor") else preprocessor.pad_size_divisor,
        pad_value=float(preprocessor.pad_value),
    )
