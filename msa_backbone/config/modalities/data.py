"""A config of several modalities on the user's data: where each one's pictures lie."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from ...config_nodes import LOADERS, find_nodes
from ...data.modalities.check import Images, modality_defects
from ...data.modalities.find import describe, with_folders
from ...errors import DataError, first_and_count
from ...files.loaded_modalities import absent_modalities
from ...files.modality_files import Modality
from ...progress import progress_line


def pair(
    cfg: Config, root: Path, images: Images, modalities: Sequence[Modality], check: bool = True
) -> list[str]:
    """Find the other modalities' pictures beside those of the reference, and load them from there.

    Args:
        cfg: changed in place.
        root: the user's folder.
        images: the reference's.
        modalities: as the config loads them; those that are switched off need no pictures.
        check: read the pictures.

    Returns:
        Notes for the user.

    Raises:
        DataError: for a modality without a folder; for the first picture without a partner, or
            with one that does not fit.
    """
    off = absent_modalities(cfg)
    read = [m for m in modalities if m is modalities[0] or m.name not in off]
    placed = with_folders(root, images, read)
    set_folders(cfg, placed)
    if not check:
        return []
    errors, notes = modality_defects(images, placed, progress_line())
    if errors:
        raise DataError(first_and_count(errors, "more like it"))
    return [describe(root, placed), *notes]


def set_folders(cfg: Config, modalities: Sequence[Modality]) -> None:
    """Let every pipeline load the modalities from these folders."""
    folders = {modality.name: modality.folder for modality in modalities}
    pipelines = [cfg.get(loader) for loader in LOADERS]
    for step in find_nodes([*pipelines, cfg.get("tta_pipeline")], "LoadModalities"):
        step["modalities"] = [
            {**modality, "folder": folders.get(modality["name"], modality.get("folder"))}
            for modality in step["modalities"]
        ]
