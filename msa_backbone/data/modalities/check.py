"""Check the pictures of several modalities: each scene has all of them, in one frame."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import DataError
from ...files.modality_files import MODALITY_SUFFIXES, Modality, partner, read_stack
from ..found_files import paths_below
from ..image_counter import ImageCounter, Progress
from .statistics import ValueStatistics

Images = Mapping[str, Sequence[Path]]
"""The reference's files, by split."""


def modality_defects(
    images: Images,
    modalities: Sequence[Modality],
    progress: Progress | None = None,
    full_decode_limit: float = 5000,
) -> tuple[list[str], list[str]]:
    """Look for partners that are missing, ambiguous, unreadable or of other sizes or channels.

    So many scenes are read; of the others it is only seen that their files are there. Missing
    pictures of the reference are left to the checks of its data.

    Returns:
        Errors, a line each with its file and the mend; and notes of what was paired, what is left
        over, and of training values that are far from what the config normalises by.
    """
    reference, *others = modalities
    counter = ImageCounter(sum(map(len, images.values())), progress)
    values = ValueStatistics(modalities)
    errors: list[str] = []
    notes: list[str] = []
    used: dict[str, set[Path]] = {other.name: set() for other in others}
    for split, files in images.items():
        paired = 0
        for image in files:
            try:
                paths = [partner(image, reference, other) for other in others]
                for other, path in zip(others, paths, strict=True):
                    used[other.name].add(path)
                if counter.done < full_decode_limit and image.is_file():
                    stack = read_stack([image, *paths], modalities)
                    if split == "train":
                        values.add(stack)
                paired += 1
            except DataError as error:
                errors.append(f"{split}: {error}")
            counter.step()
        if names := " and ".join(other.name for other in others):
            counted = f"{paired} of {len(files)}"
            notes.append(f"{split}: {counted} {reference.name} pictures with {names}")
    for other in others:
        if left := _without_reference(other, used[other.name]):
            notes.append(
                f"{other.name} pictures without a {reference.name} one, which are not used: "
                f"{len(left)}, first {left[0]}"
            )
    return errors, notes + values.lines()


def _without_reference(modality: Modality, used: set[Path]) -> list[Path]:
    """The files in a modality's folders that belong to no picture of the reference."""
    wanted = Path(modality.folder).parts
    folders = {
        next(parent for parent in path.parents if parent.parts[-len(wanted) :] == wanted)
        for path in used
    }
    files = (path for folder in folders for path in paths_below(folder, MODALITY_SUFFIXES))
    ending = modality.suffix or ""
    return sorted(path for path in files if path not in used and path.name.endswith(ending))
