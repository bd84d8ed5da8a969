"""A config that is to predict on pictures of several cameras reads them from where they lie."""

from collections.abc import Sequence

from mmengine.config import Config

from ..config.modalities.data import set_folders
from ..files.loaded_modalities import absent_modalities, loaded_modalities
from .pairs import pair_inputs


def paired_inputs(
    cfg: Config, inputs: Sequence[str], others: Sequence[str] | None = None
) -> list[str]:
    """Let a config load the other modalities from beside the inputs; one camera's stay as they are.

    Args:
        cfg: changed in place.
        inputs, others: as in `pair_inputs`, which says what is raised.

    Returns:
        The inputs; of several modalities by full paths.
    """
    modalities = loaded_modalities(cfg, "test_dataloader")
    inputs, placed = pair_inputs(modalities, absent_modalities(cfg), inputs, others)
    if placed:
        set_folders(cfg, placed)
    return inputs
