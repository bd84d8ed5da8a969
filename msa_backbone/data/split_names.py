"""What the name of a folder, a file or a column says of train, val and test."""

import re

_WORDS = {
    "train": "train|training|learn|learning",
    "val": "val|valid|validate|validation|minival|dev|eval|evaluation",
    "test": "test|testing|holdout|heldout",
}
SPLITS = tuple(_WORDS)
_ROUND_A_WORD = r"(?:set|data|images|imgs|list|split)?\d*"
_ROUND_WORDS = re.compile(_ROUND_A_WORD)
_SPLIT_OF_WORD = {
    split: re.compile(f"(?:{words}){_ROUND_A_WORD}") for split, words in _WORDS.items()
}
_PARTS = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+(?![a-z])\d*")  # of part_train, ImagesTrain, TEST


def split_in_name(name: str) -> str | None:
    """The split that a folder's or file's name speaks of: one, or None for none or several.

    >>> [split_in_name(name) for name in ("part_test", "ImagesTrain", "valley", "trainval")]
    ['test', 'train', None, None]
    """
    found = {
        split for split, word in _SPLIT_OF_WORD.items() if any(map(word.fullmatch, _parts(name)))
    }
    if found == {"val", "test"}:  # COCO's test-dev
        return "test"
    return found.pop() if len(found) == 1 else None


def other_words(name: str) -> tuple[str, ...]:
    """What else a name speaks of: tube of test_tube, nothing of ImagesTest."""
    words = (_ROUND_WORDS, *_SPLIT_OF_WORD.values())
    return tuple(part for part in _parts(name) if not any(word.fullmatch(part) for word in words))


def plain_split(name: str) -> str | None:
    """The split that a name means and nothing else: that of Test or valid, not of test_tube."""
    return None if not _parts(name) or other_words(name) else split_in_name(name)


def _parts(name: str) -> list[str]:
    return [part.lower() for part in _PARTS.findall(name)]
