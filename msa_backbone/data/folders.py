"""The user's folder, which is never written to, and the index, which training reads beside it.

The index is a folder in the work dir. It holds what a training needs and the user's folder lacks:
lists of images, COCO jsons of VOC data, masks drawn from instances.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import DataError
from ..files.text import read_text
from ..files.whole_files import write_whole


def user_folder(root: str | os.PathLike) -> Path:
    """The absolute path of the folder that holds the data; raises DataError if it is none."""
    folder = Path(os.path.abspath(root))
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; name the folder that holds the data")
    return folder


def folder_below(folder: Path, path: str) -> Path | None:
    """The folder of this relative path, in upper or lower case; None if there is none."""
    for part in path.split("/"):
        if not folder.is_dir():
            return None
        if not (folder / part).is_dir():
            alike = [p for p in sorted(folder.iterdir()) if p.name.lower() == part.lower()]
            part = next((p.name for p in alike if p.is_dir()), None)
        if part is None:
            return None
        folder /= part
    return folder


def require_outside(index_dir: Path, root: Path) -> None:
    """Raise DataError for a folder inside the user's, `root`."""
    if index_dir.resolve().is_relative_to(root.resolve()):
        raise DataError(f"{index_dir}: lies inside the data {root}; choose another work dir")


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
