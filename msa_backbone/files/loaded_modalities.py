"""Which modalities a config loads, and where each one lies in what is loaded."""

from collections.abc import Sequence

from mmengine.config import Config

from ..config_nodes import find_nodes, pipeline_steps
from .modality_files import Modality, modalities_of


def loaded_modalities(cfg: Config, loader: str = "train_dataloader") -> tuple[Modality, ...]:
    """The modalities that a dataloader's pipeline loads, the reference first; none for one camera.

    Raises:
        ValueError: for modalities that do not fit.
    """
    steps = find_nodes(pipeline_steps(cfg, loader), "LoadModalities")
    return modalities_of(steps[0]["modalities"]) if steps else ()


def absent_modalities(cfg: Config, loader: str = "test_dataloader") -> tuple[str, ...]:
    """The names of those modalities whose files a dataloader's pipeline does not read."""
    steps = find_nodes(pipeline_steps(cfg, loader), "LoadModalities")
    return tuple(steps[0].get("absent", ())) if steps else ()


def channel_slices(modalities: Sequence[Modality]) -> dict[str, slice]:
    """The channels of each modality in a stack of all; masks of what is known come behind them."""
    slices, start = {}, 0
    for modality in modalities:
        slices[modality.name] = slice(start, start + modality.channels)
        start += modality.channels
    return slices
