"""The files in the user's folder: one walk for all that look for some.

Linked folders are part of the data: people link what is too large to be copied. Hidden files and
folders are not: systems and editors put them there (._1.jpg, .ipynb_checkpoints/).
"""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from ..files.images import IMAGE_SUFFIXES


def files_below(folder: Path, suffixes: tuple[str, ...] = ("",)) -> Iterator[str]:
    """The files below a folder that end so, in any case, as relative paths with slashes.

    A link to a folder that is walked through anyway, or that holds `folder`, is not followed.
    """
    for start, names in _walk(str(folder), "", os.path.realpath(folder), frozenset()):
        yield from (start + name for name in names if name.lower().endswith(suffixes))


def paths_below(folder: Path, suffixes: tuple[str, ...] = ("",)) -> list[Path]:
    """As `files_below`, as sorted paths."""
    return sorted(folder / name for name in files_below(folder, suffixes))


def images_in(folder: Path) -> list[Path]:
    """The image files of a folder, at any depth, sorted."""
    return paths_below(folder, IMAGE_SUFFIXES)


def spelling_key(path: str) -> str:
    """Equal for names that differ in upper and lower case or in NFC and NFD only.

    An accent is a letter of its own (NFC) or stands behind its letter (NFD), as file systems do it.
    """
    return unicodedata.normalize("NFC", path).casefold()


def _walk(
    top: str, start: str, real: str, links: frozenset[str]
) -> Iterator[tuple[str, list[str]]]:
    """Every folder below `top`, as "" or its relative path with a slash, and its files' names.

    `real` is what the folder `top/start` really is; `links` are linked folders around it.
    """
    files, folders = [], []
    try:
        with os.scandir(os.path.join(top, start)) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    (folders if entry.is_dir() else files).append(entry)
    except OSError:  # a folder that nobody may read, or none
        return
    yield start, sorted(entry.name for entry in files if entry.is_file())
    top_real = os.path.realpath(top)
    for entry in sorted(folders, key=lambda entry: entry.name):
        inner = os.path.join(real, entry.name)
        if not entry.is_symlink():
            yield from _walk(top, f"{start}{entry.name}/", inner, links)
            continue
        inner = os.path.realpath(inner)
        around = any(_is_inside(place, inner) for place in (real, top_real, *links))
        if not around and not _is_inside(inner, top_real):
            yield from _walk(top, f"{start}{entry.name}/", inner, links | {inner})


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))
