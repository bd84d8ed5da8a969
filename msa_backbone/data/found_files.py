"""The files in the user's folder: one walk for all that look for some.

Linked folders are part of the data: people link what is too large to be copied. Hidden files and
folders are not: systems and editors put them there (._1.jpg, .ipynb_checkpoints/).
"""

import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from ..files.images import IMAGE_SUFFIXES, UNREAD_SUFFIXES

NO_UTF_8 = "name that is no UTF-8, so that no list of images can have it"
NO_UTF_8_MEND = "rename it (convmv renames many at once)"
# Folders of masks, by their names.
_OF_MASKS = re.compile("mask|segmentation|(?<!un)(annot|label)|ann_dir|panoptic|stuff")


def files_below(folder: Path, suffixes: tuple[str, ...] = ("",)) -> Iterator[str]:
    """The files below a folder that end so, in any case, as relative paths with slashes.

    A link to a folder that is walked through anyway, or that holds `folder`, is not followed.
    """
    for start, names in walk(folder):
        yield from (start + name for name in names if name.lower().endswith(suffixes))


def walk(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Every folder from this one on, as "" or its path with a slash, and its files' names."""
    real = os.path.realpath(folder)
    return _walk(str(folder), real, "", real, frozenset())


def paths_below(folder: Path, suffixes: tuple[str, ...] = ("",)) -> list[Path]:
    """As `files_below`, as sorted paths."""
    return sorted(folder / name for name in files_below(folder, suffixes))


def images_in(folder: Path) -> list[Path]:
    """The image files of a folder, at any depth, sorted."""
    return paths_below(folder, IMAGE_SUFFIXES)


def unused_images(root: Path, used: Iterable[str], aside: Collection[Path] = ()) -> list[str]:
    """Notes of the images below `root` that are in no split, and of those of unread formats.

    Args:
        used: the paths of the splits' images.
        aside: folders of which a note tells already.
    """
    known = set(map(os.path.normpath, used))  # with Windows' separators there
    passed = tuple(os.path.join(folder, "") for folder in aside)
    found, unread = [], []
    for start, names in walk(root):
        folder = os.path.join(os.path.normpath(os.path.join(root, start)), "")
        if not _OF_MASKS.search(start.lower()) and not folder.startswith(passed):
            images = (name for name in names if name.lower().endswith(IMAGE_SUFFIXES))
            found += [start + name for name in images if folder + name not in known]
            unread += [start + name for name in names if name.lower().endswith(UNREAD_SUFFIXES)]
    notes = []
    if found:
        notes.append(f"not used: {len(found)} images that are in no split, first {found[0]}")
    return notes + ([f"not used: {unread_pictures(unread)}"] if unread else [])


def unread_pictures(names: Sequence[str]) -> str:
    """What to say of pictures in formats that are not read."""
    endings = ", ".join(sorted({os.path.splitext(name)[1].lower() for name in names}))
    return f"{len(names)} pictures as {endings}, first {names[0]}; save them as PNG or JPEG"


def is_utf_8(name: str) -> bool:
    """Whether a file's name can stand in a text; systems hand over other bytes as half letters."""
    return name.isascii() or name.isprintable() or not re.search("[\ud800-\udfff]", name)


def spelling_key(path: str) -> str:
    """Equal for names that differ in upper and lower case, NFC and NFD or percent signs only.

    An accent is a letter of its own (NFC) or stands behind its letter (NFD), as file systems do it.
    Browsers write a space as %20.
    """
    return unicodedata.normalize("NFC", unquote(path) if "%" in path else path).casefold()


def _walk(
    top: str, top_real: str, start: str, real: str, links: frozenset[str]
) -> Iterator[tuple[str, list[str]]]:
    """As `walk`, of the folder `top/start`.

    `real` is where it is when links are resolved; `links` are the linked folders around it.
    """
    try:
        with os.scandir(os.path.join(top, start)) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:  # a folder that nobody may read, or none
        return
    files, folders = [], []
    for entry in sorted(visible, key=lambda entry: entry.name):
        with suppress(OSError):  # a link to itself, or to where nobody may look
            if entry.is_dir():
                folders.append(entry)
            elif entry.is_file():
                files.append(entry.name)
    yield start, files
    for entry in folders:
        inner = os.path.join(real, entry.name)
        if not entry.is_symlink():
            yield from _walk(top, top_real, f"{start}{entry.name}/", inner, links)
            continue
        inner = os.path.realpath(inner)
        around = any(_is_inside(place, inner) for place in (real, top_real, *links))
        if not around and not _is_inside(inner, top_real):
            yield from _walk(top, top_real, f"{start}{entry.name}/", inner, links | {inner})


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))
