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


def speaks_of_one(stem: str, modalities: Sequence[Modality]) -> bool:
    """Whether a file is named after one of the modalities: 'infrared_train', not 'fusion_train'."""
    words = {name.lower() for m in modalities for name in folder_names(m, modalities)}
    words -= {name.lower() for name in REFERENCE_FOLDERS}
    return len(modalities) > 1 and not words.isdisjoint(re.split(r"[_.-]", stem.lower()))
