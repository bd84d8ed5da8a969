"""Splits that a folder holds and no reader has seen.

A test image that is trained on spoils every score, and nobody notices. Readers know the layouts of
their formats; people share images out in many other ways: by folders below one annotation file, by
lists of any name and ending. So whatever was read is held against what the folder itself says.
"""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from ..errors import DataError
from ..files.images import IMAGE_SUFFIXES
from .found_files import walk

_WORDS = {
    "train": "train|training|learn|learning",
    "val": "val|valid|validation|dev|eval|evaluation",
    "test": "test|testing|holdout|heldout",
}
_ROUND_A_WORD = r"(?:set|data|images|imgs|list|split)?\d*"
_SPLIT_OF_WORD = {
    split: re.compile(f"(?:{words}){_ROUND_A_WORD}") for split, words in _WORDS.items()
}
_PARTS = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+(?![a-z])\d*")  # of part_train, ImagesTrain, TEST

_LABELS = (".json", ".txt", ".xml")
LISTS = (".txt", ".csv", ".tsv", ".lst", ".list")
_MOST_BYTES = 50_000_000
_MOST_LINES = 200  # looked at to tell a list of images from another file


def split_in_name(name: str) -> str | None:
    """The split that a folder's or file's name speaks of: one, or None for none or several.

    >>> [split_in_name(name) for name in ("part_test", "ImagesTrain", "valley", "trainval")]
    ['test', 'train', None, None]
    """
    parts = [part.lower() for part in _PARTS.findall(name)]
    found = {split for split, word in _SPLIT_OF_WORD.items() if any(map(word.fullmatch, parts))}
    return found.pop() if len(found) == 1 else None


def check_hidden_splits(root: Path, splits: Mapping[str, Sequence[str]]) -> list[str]:
    """Hold the splits that were read against the folders and the lists in `root`.

    Args:
        splits: the images of each split, as paths or relative to `root`; before a val split is
            drawn from train.

    Returns:
        Notes of what is odd but may be meant.

    Raises:
        DataError: if test images would be trained on, naming the folder or the list.
    """
    top = os.path.join(root, "")
    images = {split: [p.removeprefix(top) for p in paths] for split, paths in splits.items()}
    notes = _check_folders(root, images)
    _check_lists(root, images)
    return notes


def _check_folders(root: Path, images: Mapping[str, Sequence[str]]) -> list[str]:
    """What the names of the train images' own folders say."""
    folders = Counter(map(os.path.dirname, images.get("train", ())))
    said = {folder: _split_of_folder(folder) for folder in folders}
    others = sorted(folder for folder, split in said.items() if split in ("val", "test"))
    if not others:
        return []
    count = sum(folders[folder] for folder in others)
    if len(images) == 1 and len(set(said.values())) > 1:
        raise DataError(
            f"{root / others[0]}: looks like the {said[others[0]]} split, but nothing else shares "
            f"the images out, so its {count} images would be trained on; write an annotation file "
            "or a list for each split, or move the folder away"
        )
    if len(others) == len(said):
        raise DataError(
            f"{root / others[0]}: looks like the {said[others[0]]} split, but all images of train "
            "lie there; move them, or correct the names in train's annotations"
        )
    return [f"train: {count} images lie in folders of val or test, first {others[0]}"]


def _split_of_folder(folder: str) -> str | None:
    """The split that the innermost folder speaks of that speaks of any."""
    for name in reversed(folder.split("/")):
        if split := split_in_name(name):
            return split
    return None


def _check_lists(root: Path, images: Mapping[str, Sequence[str]]) -> None:
    """Lists of images by the names of splits have to agree with what was read."""
    split_of: dict[str, set[str]] = {}
    for split, paths in images.items():
        for path in paths:
            split_of.setdefault(_stem(path), set()).add(split)
    for start, names in walk(root):
        for name in names:
            stem, suffix = os.path.splitext(name)
            if suffix.lower() not in LISTS or stem in split_of:  # the labels of one image
                continue
            listed = split_in_name(stem)
            if not listed:
                continue
            path = root / f"{start}{name}"
            stems = _listed(path, split_of)
            wrong = [stem for stem in stems if listed not in split_of[stem]]
            if wrong:
                read_as = min(split_of[wrong[0]])
                raise DataError(
                    f"{path}: lists {len(wrong)} images for {listed} that would go to {read_as}, "
                    f"first {wrong[0]}; arrange the data by it, or move the list away"
                )


def _listed(path: Path, known: Mapping[str, object]) -> list[str]:
    """The known stems that a file lists one a line, if half of its first lines name images."""
    if path.stat().st_size > _MOST_BYTES:
        return []
    with open(path, encoding="utf-8", errors="replace") as lines:
        head = [_named(line, known) for line in islice(lines, _MOST_LINES) if line.strip()]
        if 2 * sum(map(bool, head)) < len(head):
            return []
        return [stem for stem in (*head, *(_named(line, known) for line in lines)) if stem]


def _named(line: str, known: Mapping[str, object]) -> str | None:
    """The first image that a line names: by itself, or in one of its columns.

    A short number in a column may as well be a class or an epoch.
    """
    if (stem := _stem(line.strip())) in known:
        return stem
    words = [word for word in re.split(r"[\s,;]+", line) if len(word) > 3 or not word.isdigit()]
    return next((stem for stem in map(_stem, words) if stem in known), None)


def _stem(path: str) -> str:
    name = path.strip('"').replace("\\", "/").rpartition("/")[2]
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in (*IMAGE_SUFFIXES, *_LABELS) else name
