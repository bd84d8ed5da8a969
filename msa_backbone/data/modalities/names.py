"""What people call the folders that their cameras' pictures lie in."""

import re
from collections.abc import Sequence
from pathlib import Path

from ...files.modality_files import Modality

ALSO_CALLED = (
    ("visible", "vis", "vi", "rgb", "color", "colour"),
    ("infrared", "ir", "thermal", "tir", "lwir"),
    ("depth", "depths"),
)
REFERENCE_FOLDERS = ("images", "JPEGImages")  # of data sets that began with one camera


def folder_names(modality: Modality, modalities: Sequence[Modality]) -> tuple[str, ...]:
    """What the folder of a modality may be called: as the config says it, then other words for it.

    A word that is another modality's name is none for this one. The first of `modalities` is the
    reference.
    """
    taken = {other.name.lower() for other in modalities if other is not modality}
    folder = modality.folder  # a full path is of the data that the config was trained on
    known = [] if folder is None or Path(folder).is_absolute() else [folder]
    known.append(modality.name)
    for words in ALSO_CALLED:
        known += words if modality.name.lower() in words else ()
    known += REFERENCE_FOLDERS if modality is modalities[0] else ()
    return tuple(dict.fromkeys(name for name in known if name.lower() not in taken))


def of_reference(
    files: Sequence[Path], root: Path, modalities: Sequence[Modality]
) -> Sequence[Path]:
    """Those of the files below `root` that can be the reference's; all of them where none can.

    They end in the reference's suffix. Another modality's lie in a folder of one of its names and
    end in its suffix, or they end in one that tells by itself, such as '_ir.png' beside '.png'.

    Args:
        modalities: the reference first; of one or none, all files are kept.
    """
    if len(modalities) < 2:
        return files
    reference, *others = modalities
    mine = {name.lower() for name in folder_names(reference, modalities)}
    theirs = [
        (other.suffix or "", {name.lower() for name in folder_names(other, modalities)} - mine)
        for other in others
    ]

    def fits(file: Path) -> bool:
        own = reference.suffix or file.suffix
        around = f"/{file.parent.relative_to(root).as_posix()}/".lower()
        return file.name.endswith(own) and not any(
            file.name.endswith(ending)
            and (len(ending) > len(own) or any(f"/{name}/" in around for name in names))
            for ending, names in theirs
        )

    return [file for file in files if fits(file)] or files


def speaks_of_one(stem: str, modalities: Sequence[Modality]) -> bool:
    """Whether a file is named after one of the modalities: 'infrared_train', not 'fusion_train'."""
    words = {name.lower() for m in modalities for name in folder_names(m, modalities)}
    words -= {name.lower() for name in REFERENCE_FOLDERS}
    return len(modalities) > 1 and not words.isdisjoint(re.split(r"[_.-]", stem.lower()))
