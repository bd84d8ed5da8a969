"""Which modalities a config loads."""

from mmengine.config import Config

from ..config_nodes import find_nodes, pipeline_steps
from .modality import Modality, modalities_of


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
