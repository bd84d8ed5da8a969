"""Lists and tables of images in a folder that say another split than was read.

test.txt lists the images of test, one a line. split.csv says the split of every image in a column.
split.json has a list for each split, or an image's record says its split.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from ..errors import DataError
from ..files.images import IMAGE_SUFFIXES
from .found_files import walk
from .split_names import other_words, plain_split, split_in_name

_LISTS = (".txt", ".csv", ".tsv", ".lst", ".list")
_LABELS = (".json", ".txt", ".xml")
_SHORT_NUMBER = re.compile(r"\d{1,3}|[1-9]\d{3,5}")
_MOST_BYTES = 50_000_000
_MOST_LINES = 200  # looked at to tell a list of images from another file
_MOST_FILES = 100  # of more in one folder, each has the labels of an image
_SPLIT_KEYS = ("split", "subset", "set", "partition", "phase", "usage")
# Folders of lists beside a folder of images, as in Food-101 and DTD.
_BESIDE = ("", "meta", "labels", "lists", "annotations", "partitions", "splits")
_IMAGES = ("images", "image", "imgs", "img")

Said = tuple[str, str]  # the split and the image's stem


def check_lists(root: Path, images: Mapping[str, Sequence[str]]) -> None:
    """Raise DataError for a list or table by which images would go to another split.

    Args:
        images: the images of each split that was read, as paths below `root`.
    """
    known: dict[str, set[str]] = {}
    for split, paths in images.items():
        for path in paths:
            known.setdefault(_stem(path), set()).add(split)
    read = {path for paths in images.values() for path in paths}
    lists = []
    for start, names in walk(root):
        found = [name for name in names if name.lower().endswith((*_LISTS, ".json"))]
        many = len(found) > _MOST_FILES
        for name in found:
            stem = os.path.splitext(name)[0]
            if stem not in known and (split_in_name(stem) or not many):
                lists.append(root / start / name)
        if split := _split_of_place(
            start
        ):  # test/1.jpg, which nothing has read, beside train/1.jpg
            for name in names:
                if name.lower().endswith(IMAGE_SUFFIXES) and start + name not in read:
                    known.get(_stem(name), set()).add(split)
    for path in (*lists, *_lists_beside(root)):
        _check_list(path, known)


def _split_of_place(start: str) -> str | None:
    return next(filter(None, map(split_in_name, reversed(start.split("/")))), None)


def _lists_beside(root: Path) -> list[Path]:
    if root.name.lower() not in _IMAGES:
        return []
    folders = (root.parent / name for name in _BESIDE)
    files = (path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()))
    return [path for path in files if path.suffix.lower() in _LISTS and path.is_file()]


def _check_list(path: Path, known: Mapping[str, set[str]]) -> None:
    if path.stat().st_size > _MOST_BYTES or _is_of_another_task(path):
        return
    if path.suffix.lower() == ".json":
        said = _said_in_json(path, known)
    else:
        said = _said_in_lines(path, known)
    if len({split for split, _ in said}) == 1 and len({stem for _, stem in said}) == len(known):
        return  # it shares nothing out, as scores of all images
    # Scores of val's images may well be called test's. train.txt means all that it lists.
    is_for_train = split_in_name(path.stem) == "train" and not other_words(path.stem)
    wrong = [
        (split, stem, min(as_read))
        for split, stem in said
        if split not in known[stem]
        and (as_read := known[stem] & ({"val", "test"} if split == "train" else {"train"}))
        and (split != "train" or is_for_train)
    ]
    if wrong:
        split, stem, read_as = wrong[0]
        raise DataError(
            f"{path}: lists {len(wrong)} images for {split} that would go to {read_as}, "
            f"first {stem}; arrange the data by it, or move the list away"
        )


def _is_of_another_task(path: Path) -> bool:
    """Whether VOC's lists in Main/, Segmentation/ and more stand side by side.

    Each task shares the images out in its own way, and has more lists, cat_val.txt, of one class.
    """
    sets = path.parent.parent
    return sets.name.lower() == "imagesets" and any(
        other.parent != path.parent for other in sets.glob("*/train.txt")
    )


def _said_in_lines(path: Path, known: Mapping[str, object]) -> list[Said]:
    """The split of each image that a file names one a line; none for a file of other lines."""
    listed = split_in_name(path.stem)
    with open(path, encoding="utf-8", errors="replace") as lines:
        head = [_said(line, listed, known) for line in islice(lines, _MOST_LINES) if line.strip()]
        if 2 * sum(map(bool, head)) < len(head):
            return []
        return [*filter(None, head), *filter(None, (_said(line, listed, known) for line in lines))]


def _said(line: str, listed: str | None, known: Mapping[str, object]) -> Said | None:
    """The split and the first image that a line names: by itself, or in one of its columns.

    A short number in a column may as well be a class, an epoch or an iteration.
    """
    if (stem := _stem(line.strip())) in known:
        return (listed, stem) if listed else None
    words = re.split(r"[,;\t]", line) + re.split(r"[\s,;]+", line)  # names may have spaces
    stems = (_stem(word) for word in words if not _SHORT_NUMBER.fullmatch(word))
    split = listed or next(filter(None, map(plain_split, words)), None)
    stem = next((stem for stem in stems if stem in known), None) if split else None
    return (split, stem) if split and stem else None


def _said_in_json(path: Path, known: Mapping[str, object]) -> list[Said]:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return []
    said = ((split, _stem(text)) for split, text in _texts(content, None))
    return [(split, stem) for split, stem in said if stem in known]


def _texts(node: object, split: str | None) -> Iterator[Said]:
    """The texts that stand below the key of a split, or in a record that says its split."""
    if isinstance(node, str):
        if split:
            yield split, node
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value, split)
    elif isinstance(node, dict):
        stated = next((node[key] for key in _SPLIT_KEYS if isinstance(node.get(key), str)), "")
        for key, value in node.items():
            yield from _texts(value, plain_split(key) or plain_split(stated) or split)


def _stem(path: str) -> str:
    name = path.strip().strip('"').replace("\\", "/").rpartition("/")[2]
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in (*IMAGE_SUFFIXES, *_LABELS) else name
