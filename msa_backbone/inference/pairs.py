"""Pictures of several cameras to predict on: where the files of each one lie."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from ..data.folders import folder_below
from ..data.modalities.find import with_folders
from ..data.modalities.names import folder_names
from ..files.modality import Modality
from .sources import find_sources


def pair_inputs(
    modalities: Sequence[Modality],
    absent: Collection[str],
    inputs: Sequence[str],
    others: Sequence[str] | None = None,
) -> tuple[list[str], tuple[Modality, ...]]:
    """Find the other cameras' files beside the inputs; one camera's inputs stay as they are.

    Args:
        modalities: the cameras, the reference first; empty for one.
        absent: names of those that are not read.
        inputs: what `find_sources` takes. Of several cameras they are the reference's files, or a
            folder in which those have a folder of their own.
        others: a folder for each other camera that is read, the inputs being one folder or files of
            it; None where they lie beside the inputs, as `with_folders` finds them.

    Returns:
        The inputs, of several cameras by full paths; and those cameras whose folders were found,
        with them.

    Raises:
        ValueError: for `others` that do not fit.
        DataError: for inputs that name nothing, and a camera that has no folder.
    """
    if not modalities:
        if others:
            raise ValueError("--others serves models of several cameras: leave it out")
        return list(inputs), ()
    reference, *rest = (m for m in modalities if m is modalities[0] or m.name not in absent)
    names = folder_names(reference, modalities)
    inputs = [
        text if text.isdigit() else str(_reference_folder(Path(text).absolute(), names))
        for text in inputs
    ]
    if others:
        places = {path if (path := Path(text)).is_dir() else path.parent for text in inputs}
        exist = all(Path(text).exists() for text in inputs)
        if len(others) != len(rest) or len(places) != 1 or not exist:
            wanted = ", ".join(modality.name for modality in rest)
            raise ValueError(
                f"--others: give one folder of {reference.name} pictures as input, or files of it, "
                f"and with --others one folder for each of: {wanted}"
            )
        folders = [Path(folder).absolute() for folder in others]
        if missing := [folder for folder in folders if not folder.is_dir()]:
            raise ValueError(f"--others {missing[0]}: no such folder")
        full = zip((reference, *rest), (*places, *folders), strict=True)
        return inputs, tuple(replace(modality, folder=str(folder)) for modality, folder in full)
    images, _ = find_sources(inputs, modalities=modalities)
    if not (images and rest):
        return inputs, ()
    root = Path(images[0].path.anchor)
    images = {"": [images[0].path]}
    return inputs, with_folders(root, images, (reference, *rest), reference_is_named=True)


def _reference_folder(path: Path, names: Sequence[str]) -> Path:
    """The folder of the reference inside a folder of several modalities; else the path itself."""
    return next((folder for name in names if (folder := folder_below(path, name))), path)
