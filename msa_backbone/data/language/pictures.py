"""From the number or the name of a picture to its file.

VQA v2 names pictures by number: 9 is COCO_train2014_000000000009.jpg, 000000000009.jpg or 9.png.
"""

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from ...errors import DataError, first_and_count
from ...files.images import IMAGE_SUFFIXES, file_digest
from ..formats.derived.image_names import FolderFiles
from ..found_files import images_in
from ..split_names import split_in_name
from ..splits import SPLIT_OF
from .records import Captions, Question

Record = TypeVar("Record", Question, Captions)


def split_in(path: str | os.PathLike) -> str | None:
    """The split that a file's name, or the nearest folder's, has in it; None if none has."""
    for part in reversed(Path(path).parts):
        words = re.split(r"[^a-z]+", part.lower())
        split = next((SPLIT_OF[word] for word in words if word in SPLIT_OF), split_in_name(part))
        if split:
            return split
    return None


class PictureFiles:
    """The image files below a folder, hidden ones left out.

    Args:
        folder: where to look, at any depth.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        whole = Path(os.path.abspath(folder))
        self._files = FolderFiles(whole, whole)

    @cached_property
    def _by_number(self) -> dict[int, list[str]]:
        """The files by the number at the end of their stems."""
        found: dict[int, list[str]] = defaultdict(list)
        for path in images_in(self.folder):
            if number := re.search(r"\d+$", path.stem):
                found[int(number[0])].append(path.relative_to(self.folder).as_posix())
        return found

    def _named(self, image: str) -> list[str]:
        """The files that a name may mean, which may lack its suffix; see `FolderFiles.spelled`."""
        if self._files.has(image):
            return [image]
        suffixes = ("",) if image.lower().endswith(IMAGE_SUFFIXES) else IMAGE_SUFFIXES
        found = dict.fromkeys(p for end in suffixes for p in self._files.spelled(image + end))
        return [path for path in found if image in path] or list(found)  # in its case, or else any

    def of(self, image: int | str, split: str | None = None) -> str:
        """The file of a picture, below the folder.

        Args:
            image: its number, its name with or without suffix, or its path below the folder. A path
                through a folder that is not there counts by its name.
            split: where several files fit, those of this split do; of copies any does.

        Raises:
            DataError: for none, or several.
        """
        found = self._named(image) if isinstance(image, str) else []
        if not found and str(image).isdecimal():
            found = self._by_number.get(int(image), [])
        if len(found) > 1 and split:
            found = [name for name in found if split_in(name) == split] or found
        if len(found) > 1 and len({file_digest(self.folder / name) for name in found}) > 1:
            raise DataError(
                f"image {image} is there twice, as {found[0]} and {found[1]}: remove one"
            )
        if not found:
            raise DataError(f"image {image} has no file below {self.folder}")
        return found[0]


def with_files(
    records: Sequence[Record], pictures: PictureFiles, split: str | None, source: Path
) -> list[Record]:
    """Records whose `image` is a file below the folder of `pictures`.

    Raises:
        DataError: naming the first whose picture is not there, and how many more there are.
    """
    found, errors, known = [], [], {}
    for record in records:
        try:
            if record.image not in known:
                known[record.image] = pictures.of(record.image, split)
            found.append(replace(record, image=known[record.image]))
        except DataError as error:
            errors.append(f"{source}: '{record.texts[0]}': {error}")
    if errors:
        mend = "add the images, or remove what is asked or said about them"
        raise DataError(f"{first_and_count(errors, 'more such lines')}; {mend}")
    return found
