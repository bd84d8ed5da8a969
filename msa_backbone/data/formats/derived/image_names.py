"""Images whose names an annotation file spells in another way than their folder.

Exports name images as the labelling machine knew them: `D:\\photos\\a.jpg`, `/data/upload/4/a.jpg`,
`images\\1/a.jpg`, `my%20image.jpg`. File systems differ in whether case matters, and in how they
write an accent: as a letter of its own (NFC) or behind its letter (NFD).
"""

import os
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ....files.images import IMAGE_SUFFIXES
from ...found_files import spelling_key, walk
from ..coco import names_images_elsewhere, without_images

_LABEL_STUDIO_PREFIX = re.compile(r"[0-9a-f]{8}-")  # put in front of what users upload


class FolderFiles:
    """The files in a folder and below, to be found by names that are spelled in another way."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root = folder, root

    def has(self, name: str) -> bool:
        """As `holds`, for many names: the folder is listed once."""
        return name in self._paths or self.holds(name)

    def holds(self, name: str) -> bool:
        """Whether there is a file of just this name, and it does not lead out of `root`."""
        return self.is_inside(name) and _is_file(self.folder / name)

    def is_inside(self, name: str) -> bool:
        """Whether a name does not lead out of `root`."""
        return Path(os.path.normpath(self.folder / name)).is_relative_to(self.root)

    def number_of(self, names: Iterable[str]) -> tuple[int, int]:
        """How many of the names are certain, and how many of them are files' own."""
        names = set(names)
        exact = sum(map(self.has, names))
        return exact + sum(len(self.spelled(n)) == 1 for n in names if not self.has(n)), exact

    def spelled(self, name: str) -> list[str]:
        """The files that `name` may mean, relative to the folder: one if it is certain.

        The longest end of the name's path that a file's path has too decides; upper and lower case
        count as the same. A name that speaks of a folder that is there means a file in it: another
        folder's file of the same base name is another image. A name may be any text.
        """
        for parts in _forms(name):
            for start in range(len(parts)):
                if start and spelling_key(parts[start - 1]) in self._below[1]:
                    continue
                key = spelling_key("/".join(parts[start:]))
                if found := self._by_end.get(key):
                    return found
            plain, count = _LABEL_STUDIO_PREFIX.subn("", parts[-1], count=1) if parts else ("", 0)
            if count and (found := self._by_end.get(spelling_key(plain))):
                return found
        for parts in _forms(name):  # converted since, as from .png to .jpg
            if found := self.with_stem(os.path.splitext("/".join(parts))[0]):
                return found
        return []

    def with_stem(self, stem: str) -> list[str]:
        """The images of this name without ending: in its case, or else in any."""
        paths = self._by_stem.get(spelling_key(stem), [])
        return [path for path in paths if os.path.splitext(path)[0] == stem] or paths

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self._paths):
            stem, suffix = os.path.splitext(path)
            if suffix.lower() in IMAGE_SUFFIXES:
                found.setdefault(spelling_key(stem), []).append(path)
        for paths in found.values():
            paths.sort(key=lambda path: IMAGE_SUFFIXES.index(os.path.splitext(path)[1].lower()))
        return found

    @cached_property
    def _below(self) -> tuple[frozenset[str], frozenset[str]]:
        """The paths of all files below, and the keys of the names of all folders."""
        paths, folder_names = [], []
        for start, names in walk(self.folder):
            paths += [start + name for name in names]
            folder_names.append(spelling_key(start.rstrip("/").rpartition("/")[2]))
        return frozenset(paths), frozenset(folder_names) - {""}

    @property
    def _paths(self) -> frozenset[str]:
        return self._below[0]

    @cached_property
    def _by_end(self) -> dict[str, list[str]]:
        """The files by every end of their paths: x/y/a.jpg by itself, by y/a.jpg and by a.jpg."""
        found: dict[str, list[str]] = {}
        for path in sorted(self._paths):
            parts = path.split("/")
            for start in range(len(parts)):
                found.setdefault(spelling_key("/".join(parts[start:])), []).append(path)
        return found


def with_found_images(
    content: dict, files: FolderFiles, source: Path
) -> tuple[dict, list[str], list[str]]:
    """The content where images have the names of their files, what is not certain, and notes.

    An image whose name may mean several files is left out with its annotations and gets a line. So
    does one whose file another image has under its own name, and one whose name leads out of the
    user's folder; a json may say that its images lie elsewhere, if the folder has none such.
    """
    exact = [files.has(image["file_name"]) for image in content["images"]]
    if all(exact):
        return content, [], []
    owner = {
        image["file_name"]: image["file_name"]
        for image, is_exact in zip(content["images"], exact, strict=True)
        if is_exact
    }
    elsewhere = names_images_elsewhere(content)
    images, lost, unsure, renamed, outside = [], set(), [], [], []
    for index, image in enumerate(content["images"]):
        name, wrong = image["file_name"], None
        found = [] if exact[index] else files.spelled(name)
        if len(found) > 1 or (found and owner.setdefault(found[0], name) != name):
            meant = " or ".join(str(files.folder / path) for path in found[:2])
            why = "may be" if len(found) > 1 else f"as well as {owner[found[0]]!r} may be"
            wrong = f"{why} {meant}; write the path that it has in the image folder"
        elif found:
            image = {**image, "file_name": found[0]}
            renamed.append((name, found[0]))
        elif elsewhere and os.path.isabs(name) and _is_file(Path(name)):
            outside.append(name)
        elif _is_file(files.folder / name) and not files.is_inside(name):
            wrong = f"leads out of {files.root}; put the image there"
        if wrong:
            unsure.append(f"{source}: images[{index}]: file_name {name!r} {wrong}")
            lost.add(image["id"])
        else:
            images.append(image)
    notes = []
    if renamed:
        (name, path), count = renamed[0], len(renamed)
        notes = [f"images found under another name: {count}, first {name!r} is {path}"]
    if outside:
        notes.append(f"images outside {files.root}, by absolute paths: {len(outside)}")
    return without_images({**content, "images": images}, lost), unsure, notes


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or with a null in it
        return False


def _forms(name: str) -> Iterator[list[str]]:
    """The parts of a path, as written and with percent signs decoded."""
    if "?d=" in name:  # Label Studio's local files
        name = name.rpartition("?d=")[2]
    elif "://" in name:
        name = _url_path(name)
    for text in dict.fromkeys((name, unquote(name))):
        parts = re.split(r"[/\\]+", text)
        yield [part for part in parts if part not in ("", ".", "..")]


def _url_path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return url
