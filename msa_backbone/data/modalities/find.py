"""Find the folders of several modalities beside the pictures of the first, the reference.

What lists the scenes, a COCO json or the masks, names the reference's pictures alone. The others
lie in folders that differ from the reference's in one place of their paths.
"""

import glob
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import DataError
from ...files.modality_files import MODALITY_SUFFIXES, Modality, partner
from ..folders import folder_below
from ..splits import SPLIT_OF
from .names import folder_names

MODALITY_LAYOUT = """\
For configs that load several modalities (LoadModalities), with COCO jsons, VOC or masks:
      {visible,infrared,depth,...}/ or images/ + {infrared,depth,...}/, each with or without
      {train,val,test}/, or such folders inside {train,val,test}/; stems are equal. The first
      modality's pictures are those that the json or the masks belong to; YOLO has them in images/.
      Other words are known, such as rgb, thermal and ir; jsons named after one modality are left
      aside beside others."""


@dataclass(frozen=True)
class Place:
    """Where the modalities' folders may differ: `before` / a modality's folder / `below`."""

    before: Path
    reference: Path  # the reference's folder, as it lies in `before`
    below: Path

    def folder(self, name: str, shared: bool) -> Path | None:
        """The folder of this name, in any case; the reference's only if it may be shared."""
        found = folder_below(self.before, name)
        return None if found == self.before / self.reference and not shared else found


def with_folders(
    root: Path,
    images: Mapping[str, Sequence[Path]],
    modalities: Sequence[Modality],
    reference_is_named: bool = False,
) -> tuple[Modality, ...]:
    """The modalities with the folders that they have in `root`.

    These are the config's own, if the first image has its partners there.

    Args:
        images: the reference's files, by split.
        modalities: the reference first.
        reference_is_named: whether the user has named the folder of the reference.

    Raises:
        DataError: for a modality without a folder, or with two that may be meant; of the reference
            too, unless it is named.
    """
    others = modalities[1:]
    first = next(image for files in images.values() for image in files)
    configured = tuple(replace(m, folder=m.folder or m.name) for m in modalities)
    if others and _has_partners(first, configured):
        return configured
    places = list(_places(root, first.parent))
    found = {place: [_folders(place, other, modalities) for other in others] for place in places}
    names = folder_names(modalities[0], modalities)
    usual = [place for place in places if place.reference.name in names]
    complete = [place for place in places if all(found[place])] or usual[-1:] or places[-1:]
    # Of several places the last one where the folders go on as the reference's does.
    place = max(
        reversed(complete),
        key=lambda p: sum((folder / p.below).is_dir() for part in found[p] for folder in part),
    )
    folders = []
    if not reference_is_named:
        _refuse_second_reference(place, first, modalities)
    for other, candidates in zip(others, found[place], strict=True):
        if not candidates:
            raise DataError(
                f"{root}: no folder '{other.name}' beside {place.before / place.reference}; put "
                f"the {other.name} pictures into {place.before / other.name / place.below}, or "
                "take a config without this modality"
            )
        if len(candidates) > 1:
            raise _two_folders(other, candidates[:2])
        folders.append(candidates[0])
    if place.reference == Path():  # no folder of its own: only full paths tell them apart
        named = [str(place.before), *map(str, folders)]
    else:
        parts = [place.reference, *(folder.relative_to(place.before) for folder in folders)]
        named = [part.as_posix() for part in parts]
    return tuple(replace(m, folder=f) for m, f in zip(modalities, named, strict=True))


def describe(root: Path, modalities: Sequence[Modality]) -> str:
    """A line for the user: every modality, its channels and its folder."""
    parts = []
    for modality in modalities:
        folder = Path(modality.folder)
        shown = folder.relative_to(root) if folder.is_relative_to(root) else folder
        place = "ROOT" if shown == Path() else f"{shown.as_posix()}/"
        channels = f"{modality.channels} channel{'s' if modality.channels > 1 else ''}"
        parts.append(f"{modality.name} in {place}, {channels}")
    word = "modality" if len(parts) == 1 else "modalities"
    return f"{len(parts)} {word}: {'; '.join(parts)}"


def _refuse_second_reference(place: Place, image: Path, modalities: Sequence[Modality]) -> None:
    """Refuse a picture of the reference that lies in two folders, none of them of its own name."""
    reference = modalities[0]
    if place.reference.name in (reference.folder, reference.name):
        return
    meant = place.before / place.reference
    for name in folder_names(reference, modalities):
        folder = folder_below(place.before, name)
        if folder is None or folder.samefile(meant):
            continue
        alike = (folder / place.below).glob(f"{glob.escape(image.stem)}.*")
        if any(path.suffix.lower() in MODALITY_SUFFIXES for path in alike):
            raise _two_folders(reference, (meant, folder))


def _two_folders(modality: Modality, folders: Sequence[Path]) -> DataError:
    both = " and ".join(map(str, folders))
    return DataError(
        f"{both}: both may hold the {modality.name} pictures; move one of them away, or set the "
        f"folder of {modality.name} in the config"
    )


def _has_partners(image: Path, modalities: Sequence[Modality]) -> bool:
    """Whether an image of the reference has a partner of every other modality."""
    reference, *others = modalities
    try:
        return all(partner(image, reference, other) for other in others)
    except DataError:
        return False


def _places(root: Path, folder: Path) -> Iterator[Place]:
    """No folder: the reference lies in `root`; then each one of its path below, but a split's."""
    parts = folder.relative_to(root).parts if folder.is_relative_to(root) else ()
    yield Place(root, Path(), Path(*parts))
    for at, part in enumerate(parts):
        if part.lower() not in SPLIT_OF:
            yield Place(root.joinpath(*parts[:at]), Path(part), Path(*parts[at + 1 :]))


def _folders(place: Place, modality: Modality, modalities: Sequence[Modality]) -> list[Path]:
    """The folders that may hold a modality's pictures: one where it has its own name."""
    names = folder_names(modality, modalities)
    shared = modality.suffix is not None  # by which files in one folder differ
    found = {name: folder for name in names if (folder := place.folder(name, shared))}
    said = [found[name] for name in (modality.folder, modality.name) if name in found]
    return said[:1] or list(dict.fromkeys(found.values()))
