"""Which file of the folder is meant by a path that another machine wrote.

Annotations name images and folders as they lay where they were made: by absolute paths, from
another working folder, with backslashes. Nothing outside the user's folder is ever read.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from ....errors import DataError
from ....files.images import IMAGE_SUFFIXES
from ...found_files import images_in
from ...splits import SPLIT_OF
from ..derived.image_names import FolderFiles

_SPLIT_WORD = re.compile(
    rf"(?:^|[_.\- ])({'|'.join(sorted(SPLIT_OF, key=len, reverse=True))})(?![a-z])", re.IGNORECASE
)


def split_of(parts: Iterable[str]) -> str | None:
    """The split that one of the names of a path speaks of, the last first: train2017 is train."""
    for part in reversed(list(parts)):
        if words := _SPLIT_WORD.findall(part):
            return SPLIT_OF[words[-1].lower()]
    return None


def path_parts(text: str) -> list[str]:
    """The names of a path, whatever system or browser wrote it, without ways up.

    >>> path_parts("..\\\\images\\\\a.jpg"), path_parts("/data/local-files/?d=photos/b.jpg")
    (['images', 'a.jpg'], ['data', 'local-files', 'photos', 'b.jpg'])
    """
    text = re.sub(r"^(file|https?|s3|gs)://|^[A-Za-z]:(?=[\\/])", "", text)
    parts = text.replace("/?d=", "/").replace("\\", "/").split("/")
    return [part for part in parts if part not in ("", ".", "..")]


def tail_inside(folder: Path, text: str) -> Path | None:
    """The longest end of a path that is there below `folder`; None if no part of it is.

    What a browser wrote with percent signs is tried as it is, then decoded.
    """
    for parts in (path_parts(text), path_parts(unquote(text))):
        paths = (folder.joinpath(*parts[start:]) for start in range(len(parts)))
        if found := next((path for path in paths if path.exists()), None):
            return found
    return None


def child(folder: Path, name: str) -> Path:
    """What `folder` holds under this name, in upper or lower case."""
    exact = folder / name
    if exact.exists() or not folder.is_dir():
        return exact
    found = (path for path in sorted(folder.iterdir()) if path.name.lower() == name.lower())
    return next(found, exact)


def visible_files(paths: Iterable[Path], folder: Path) -> list[Path]:
    """The files among paths in `folder`, sorted, without hidden ones, which systems put there."""
    return sorted(
        path
        for path in paths
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )


@dataclass
class ImageFinder:
    """Finds the images of the folder `root` by the names that annotations give them."""

    root: Path
    split: str | None = None  # whose images are looked for, if the annotations' folder says none
    moved: list[str] = field(default_factory=list)  # names that were found elsewhere
    _files: dict[Path, FolderFiles] = field(default_factory=dict)

    def find(self, name: str, beside: Path, annotation: Path | None = None) -> str:
        """An image's path below `root`; of a missing one, where it should be.

        It is looked for where the name says from the folder `beside`, by the end of its path there
        and in `root`, by the stem of the file `annotation`, and at last by its name without an
        ending anywhere.

        Raises:
            DataError: if several images have the name.
        """
        parts = path_parts(name)
        if not parts:
            raise DataError(f"{annotation or beside}: an image has no name; add it")
        if self._of(beside).holds(name) and not Path(name).is_absolute():
            return os.path.relpath(os.path.normpath(beside / name), self.root)
        for folder in (beside, self.root):
            if found := [folder / path for path in self._of(folder).spelled(name)]:
                break
        else:
            suffixes = IMAGE_SUFFIXES if annotation else ()
            stems = [path for s in suffixes if (path := annotation.with_suffix(s)).is_file()]
            found = stems or self._by_stem.get(parts[-1], [])
        if (
            split := split_of(beside.relative_to(self.root).parts) or self.split
        ):  # never another split's image
            found = [path for path in found if self._split_of(path) in (None, split)]
        if len(found) > 1:
            raise DataError(
                f"{annotation or beside}: image {name!r} may be {found[0]} or {found[1]}; write "
                f"its path from {beside}"
            )
        if not found:
            return os.path.relpath(beside / parts[-1], self.root)
        self.moved.append(name)
        return os.path.relpath(found[0], self.root)

    def _split_of(self, path: Path) -> str | None:
        return split_of(path.relative_to(self.root).parts[:-1])

    def notes(self) -> list[str]:
        if not self.moved:
            return []
        count = len(self.moved)
        return [f"images found under another name: {count}, first {self.moved[0]!r}"]

    def _of(self, folder: Path) -> FolderFiles:
        return self._files.setdefault(folder, FolderFiles(folder, self.root))

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        paths: dict[str, list[Path]] = {}
        for path in images_in(self.root):
            paths.setdefault(path.stem, []).append(path)
        return paths
