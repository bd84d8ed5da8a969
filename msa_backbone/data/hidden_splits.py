"""Splits that a folder holds and no reader has seen.

A test image that is trained on spoils every score, and nobody notices. Readers know the layouts of
their formats; people share images out in many other ways: by folders below one annotation file, by
lists of any name and ending. So whatever was read is held against what the folder itself says.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath

from ..errors import DataError
from ..files.images import IMAGE_SUFFIXES
from .found_files import walk

_WORDS = {
    "train": "train|training|learn|learning",
    "val": "val|valid|validation|dev|eval|evaluation",
    "test": "test|testing|holdout|heldout",
}
_ROUND_A_WORD = r"(?:set|data|images|imgs|list|split)?\d*"
_ROUND_WORDS = re.compile(_ROUND_A_WORD)
_SPLIT_OF_WORD = {
    split: re.compile(f"(?:{words}){_ROUND_A_WORD}") for split, words in _WORDS.items()
}
_PARTS = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+(?![a-z])\d*")  # of part_train, ImagesTrain, TEST

_LABELS = (".json", ".txt", ".xml")
LISTS = (".txt", ".csv", ".tsv", ".lst", ".list")
_SHORT_NUMBER = re.compile(r"\d{1,3}|[1-9]\d{3,5}")
_MOST_BYTES = 50_000_000
_MOST_LINES = 200  # looked at to tell a list of images from another file


def split_in_name(name: str) -> str | None:
    """The split that a folder's or file's name speaks of: one, or None for none or several.

    >>> [split_in_name(name) for name in ("part_test", "ImagesTrain", "valley", "trainval")]
    ['test', 'train', None, None]
    """
    found = {
        split for split, word in _SPLIT_OF_WORD.items() if any(map(word.fullmatch, _parts(name)))
    }
    return found.pop() if len(found) == 1 else None


def _other_words(name: str) -> tuple[str, ...]:
    """What else a name speaks of: tube of test_tube, nothing of ImagesTest."""
    words = (_ROUND_WORDS, *_SPLIT_OF_WORD.values())
    return tuple(part for part in _parts(name) if not any(word.fullmatch(part) for word in words))


def _parts(name: str) -> list[str]:
    return [part.lower() for part in _PARTS.findall(name)]


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
    said = _what_folders_say(folders)
    others = sorted(folder for folder, (split, _) in said.items() if split in ("val", "test"))
    if not others:
        return []
    count = sum(folders[folder] for folder in others)
    first = next((folder for folder in others if said[folder][1]), None)
    if first and len(images) == 1 and len({split for split, _ in said.values()}) > 1:
        raise DataError(
            f"{root / first}: looks like the {said[first][0]} split, but nothing else shares "
            f"the images out, so its {count} images would be trained on; write an annotation file "
            "or a list for each split, or move the folder away"
        )
    if first and len(others) == len(said):
        raise DataError(
            f"{root / first}: looks like the {said[first][0]} split, but all images of train "
            "lie there; move them, or correct the names in train's annotations"
        )
    return [f"train: {count} images lie in folders of val or test, first {others[0]}"]


def _what_folders_say(folders: Iterable[str]) -> dict[str, tuple[str | None, bool]]:
    """The split that the innermost part of each path speaks of, and whether it is meant.

    test means a split, test_tube may mean anything. A name with other words means a split beside
    one of another split: part_test beside part_train or train, not beside train_station.
    """
    places = {folder: [folder, *map(str, PurePosixPath(folder).parents)] for folder in folders}
    names = {place: place.rpartition("/")[2] for inner in places.values() for place in inner}
    split_of = {place: split for place, name in names.items() if (split := split_in_name(name))}
    words = {place: _other_words(names[place]) for place in split_of}
    twins = {(split, words[place]) for place, split in split_of.items()}
    plain = [place for place in split_of if not words[place]]

    def is_meant(place: str) -> bool:
        others = {split for split in _WORDS if split != split_of[place]}
        return (
            not words[place]
            or any((split, words[place]) in twins for split in others)
            or any(split_of[p] in others and not place.startswith(f"{p}/") for p in plain)
        )

    said: dict[str, tuple[str | None, bool]] = {}
    for folder, inner in places.items():
        speaking = [place for place in inner if place in split_of]
        place = next(filter(is_meant, speaking), None)
        weak = split_of[speaking[0]] if speaking else None
        said[folder] = (split_of[place], True) if place else (weak, False)
    return said


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
            if _is_of_another_task(path):
                continue
            stems = _listed(path, split_of)
            if len(set(stems)) == len(split_of):  # shares nothing out, as scores of all images
                continue
            spoilt = {"train"}  # scores of val's images may well be called test's
            if listed == "train":
                spoilt = set() if _other_words(stem) else {"val", "test"}
            wrong = [s for s in stems if listed not in split_of[s] and split_of[s] & spoilt]
            if wrong:
                read_as = min(split_of[wrong[0]] & spoilt)
                raise DataError(
                    f"{path}: lists {len(wrong)} images for {listed} that would go to {read_as}, "
                    f"first {wrong[0]}; arrange the data by it, or move the list away"
                )


def _is_of_another_task(path: Path) -> bool:
    """Whether VOC's lists in Main/, Segmentation/ and more stand side by side.

    Each task shares the images out in its own way, and has more lists, cat_val.txt, of one class.
    """
    sets = path.parent.parent
    return sets.name.lower() == "imagesets" and any(
        other.parent != path.parent for other in sets.glob("*/train.txt")
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

    A short number in a column may as well be a class, an epoch or an iteration.
    """
    if (stem := _stem(line.strip())) in known:
        return stem
    words = re.split(r"[,;\t]", line) + re.split(r"[\s,;]+", line)  # names may have spaces
    words = [word for word in words if not _SHORT_NUMBER.fullmatch(word)]
    return next((stem for stem in map(_stem, words) if stem in known), None)


def _stem(path: str) -> str:
    name = path.strip('"').replace("\\", "/").rpartition("/")[2]
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in (*IMAGE_SUFFIXES, *_LABELS) else name
