"""Splits that a folder holds and no reader has seen.

A test image that is trained on spoils every score, and nobody notices. Readers know the layouts of
their formats; people share images out in many other ways: by folders below one annotation file, by
lists of any name and ending. So whatever was read is held against what the folder itself says.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ..errors import DataError
from .listed_splits import check_lists
from .split_names import SPLITS, other_words, plain_split, split_in_name

_FIRST_WORD = re.compile(r"(?s)(?:.*/)?([^\W_]*)")


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
    return [*_check_folders(root, images), *check_lists(root, images), *_called_by_splits(images)]


def _called_by_splits(images: Mapping[str, Sequence[str]]) -> list[str]:
    """A note where every image is called train_1 or test_1, and nothing shares the images out."""
    if set(images) != {"train"}:
        return []
    called = Counter(plain_split(_FIRST_WORD.match(path)[1]) for path in images["train"])
    if len(called) < 2 or None in called:
        return []
    counts = ", ".join(f"{count} {split}" for split, count in sorted(called.items()))
    return [f"train: the images' names begin with the words of splits ({counts}); all are read"]


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
    words = {place: other_words(names[place]) for place in split_of}
    twins = {(split, words[place]) for place, split in split_of.items()}
    plain = [place for place in split_of if not words[place]]

    def is_meant(place: str) -> bool:
        others = {split for split in SPLITS if split != split_of[place]}
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
