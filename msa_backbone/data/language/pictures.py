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
from ...files.images import file_digest
from ..found_files import images_in
from ..splits import SPLIT_OF
from .records import Captions, Question

Record = TypeVar("Record", Question, Captions)


def split_in(path: str | os.PathLike) -> str | None:
    """The split that a file's name, or the nearest folder's, has in it; None if none has."""
    for part in reversed(Path(path).parts):
        for word in re.split(r"[^a-z]+", part.lower()):
            if word in SPLIT_OF:
                return SPLIT_OF[word]
    return None


class PictureFiles:
    """The image files below a folder, hidden ones left out.

    Args:
        folder: where to look, at any depth.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def by_key(self) -> dict[int | str, list[str]]:
        """The files by their number, their name and their stem."""
        found: dict[int | str, list[str]] = defaultdict(list)
        for path in images_in(self.folder):
            number = re.search(r"\d+$", path.stem)
            for key in (path.name, path.stem, *([int(number[0])] if number else [])):
                found[key].append(path.relative_to(self.folder).as_posix())
        return found

    def of(self, image: int | str, split: str | None = None) -> str:
        """The file of a picture, below the folder.

        Args:
            image: its number, its name with or without suffix, or its path below the folder.
            split: where several files fit, those of this split do; of copies any does.

        Raises:
            DataError: for none, or several.
        """
        if isinstance(image, str) and (self.folder / image).is_file():
            return image
        if isinstance(image, str):
            found = self.by_key.get(Path(image).name, [])
            found = [name for name in found if name.endswith(image)] or found
            if not found and image.isdecimal():
                found = self.by_key.get(int(image), [])
        else:
            found = self.by_key.get(image, [])
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
