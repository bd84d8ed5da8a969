"""The user's folder, which is never written to, and the index, which training reads beside it.

The index is a folder in the work dir. It holds what a training needs and the user's folder lacks:
lists of images, COCO jsons of VOC data, masks drawn from instances.
"""

import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from ..errors import DataError
from ..files.text import read_text
from ..files.whole_files import write_whole

# How the folders begin that layouts speak of; a folder of another name around them is an archive's.
OF_LAYOUTS = ("train", "val", "test", "image", "img", "jpeg", "ann", "label", "mask", "voc", "xml")
_TOLD = (".json", ".yaml", ".yml", ".csv", ".xml", ".names", ".data")  # files that tell of images
# What lies beside the folder of an archive.
_BESIDE = re.compile(
    r"\.|(readme|license|__macosx)|.*\.(zip|tar|tgz|gz|7z|rar|ini)$", re.IGNORECASE
)


def user_folder(root: str | os.PathLike) -> Path:
    """The absolute path of the folder that holds the data; raises DataError if it is none.

    Archives unpack into a folder of their own. Where `root` holds such a one alone, it is meant.
    """
    folder = Path(os.path.abspath(root))
    if folder.is_file():
        raise DataError(
            f"{folder}: is a file; name the folder that holds the data, {folder.parent}"
        )
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; name the folder that holds the data")
    return _unwrapped(folder)


def _unwrapped(folder: Path) -> Path:
    inner = folder
    while only := _only_folder(inner):
        inner = only
        if any(map(_speaks_of_data, _entries(inner))):
            return inner
    return folder


def _only_folder(folder: Path) -> Path | None:
    """The folder that is all that this one holds; None where its name is one of a layout."""
    entries = list(islice(_entries(folder), 2))
    if len(entries) != 1 or not entries[0].is_dir(follow_symlinks=False):
        return None
    name = entries[0].name
    return None if name.lower().startswith(OF_LAYOUTS) else folder / name


def _speaks_of_data(entry: os.DirEntry) -> bool:
    name = entry.name.lower()
    return name.startswith(OF_LAYOUTS) if entry.is_dir() else name.endswith(_TOLD)


def _entries(folder: Path) -> Iterator[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not _BESIDE.match(entry.name))
    except OSError:  # a folder that nobody may read
        return


def folder_below(folder: Path, path: str) -> Path | None:
    """The folder of this relative path, in upper or lower case; None if there is none."""
    for part in path.split("/"):
        if not folder.is_dir():
            return None
        if not (folder / part).is_dir():
            alike = sorted(name for name in os.listdir(folder) if name.lower() == part.lower())
            part = next((name for name in alike if (folder / name).is_dir()), None)
        if part is None:
            return None
        folder /= part
    return folder


def require_outside(index_dir: Path, root: Path) -> None:
    """Raise DataError for a folder inside the user's, `root`.

    That is the folder as the user has named it. What `user_folder` finds inside would not be found
    again if there were a second folder beside it.
    """
    if index_dir.resolve().is_relative_to(root.resolve()):
        raise DataError(
            f"{index_dir}: lies inside the data {root.absolute()}; choose another work dir"
        )


def list_file(split: str, index_dir: Path) -> Path:
    """The list of a split's images in the index."""
    return index_dir / f"{split}.txt"


def read_list(file: Path) -> list[str]:
    """The lines of a text file without the space around them, empty lines left out.

    Raises DataError as `read_text` does.
    """
    return [line.strip() for line in read_text(file).splitlines() if line.strip()]


def write_list(file: Path, lines: Iterable[str]) -> None:
    """Write a text file of lines, as a whole or not at all."""
    write_whole(file, "".join(f"{line}\n" for line in lines))
