"""Train, val and test: the names their folders may have, and a val split where there is none."""

import random
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from ..errors import DataError
from .folders import folder_below

SPLIT_WORDS = {  # how folders of images, with masks or by class, may call the splits
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
SPLIT_OF = {word: split for split, words in SPLIT_WORDS.items() for word in words}

_LIKE_A_SPLIT = re.compile(rf"(?<![a-z])({'|'.join(SPLIT_OF)})(set|data|images)?(?![a-z])")


def looks_like_a_split(name: str) -> bool:
    """Whether a name has the word of a split in it: train2017, seg_test, trainset; not valley."""
    return _LIKE_A_SPLIT.search(name.lower()) is not None


def split_lists(
    base: Path, folders: Sequence[str], others: Collection[str] = ()
) -> dict[str, Path]:
    """The text files that list the splits' images, in the first of `folders` that has one.

    Ultralytics calls its own autosplit_train.txt.

    Args:
        base: what the folders are below, in upper or lower case.
        others: words that name a list as well, as trainval does, and are its key here.

    Raises:
        DataError: for two lists of one split.
    """
    words = {**SPLIT_OF, **{word: word for word in others}}
    for folder in folders:
        place, found = folder_below(base, folder), {}
        for path in sorted(place.iterdir()) if place else ():
            split = (
                words.get(path.stem.lower().removeprefix("autosplit_"))
                if path.suffix.lower() == ".txt"
                else None
            )
            if split and path.is_file() and found.setdefault(split, path) != path:
                raise DataError(
                    f"{path}: a second {split} list beside {found[split]}; move one away"
                )
        if found:
            return found
    return {}


def choose_val(
    root: Path, names: Collection[str], fraction: float = 0.1, seed: int = 0
) -> set[str]:
    """Choose a fraction of the training images, at least one and not all, for a val split.

    The choice depends on the names and the seed, not on the names' order.

    Raises:
        DataError: for fewer than two names.
        ValueError: for a `fraction` outside (0, 1).
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1, got {fraction}")
    if len(names) < 2:
        raise DataError(f"{root}: cannot split one training image; add images or a val split")
    num_val = min(max(1, round(fraction * len(names))), len(names) - 1)
    return set(random.Random(seed).sample(sorted(names), num_val))


def copies_warning(copies: Sequence[Path]) -> list[str]:
    """A warning of images that are in the train split and in another too; none for no images."""
    if not copies:
        return []
    return [
        f"images also in the train split: {len(copies)}, first {copies[0]}; their score tells "
        "little, keep each in one split"
    ]
