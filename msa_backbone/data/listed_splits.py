"""Lists and tables of images in a folder that say another split than was read.

test.txt lists the images of test, one a line. split.csv says the split of every image in a column.
split.json has a list for each split, or an image's record says its split.
"""

import codecs
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import yaml

from ..errors import DataError
from ..files.images import IMAGE_SUFFIXES
from .found_files import walk
from .split_names import other_words, plain_split, split_in_name

_LISTS = (".txt", ".csv", ".tsv", ".lst", ".list")
_TREES: dict[str, Callable] = {
    ".json": json.loads,
    **dict.fromkeys((".yaml", ".yml"), partial(yaml.load, Loader=yaml.CSafeLoader)),
}
# What is written about images of a split, and need not be all of them.
_ABOUT = ("pred", "result", "score", "metric", "log", "loss", "error", "fail", "note", "todo")
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


def check_lists(root: Path, images: Mapping[str, Sequence[str]]) -> list[str]:
    """Hold every list and table below `root` against what was read.

    Args:
        images: the images of each split that was read, as paths below `root`.

    Returns:
        Notes of lists that are no certain word: scores, folds, a list of a part of train.

    Raises:
        DataError: for a list by which images would go to another split.
    """
    known: dict[str, set[str]] = {}
    for split, paths in images.items():
        for path in paths:
            known.setdefault(_stem(path), set()).add(split)
    read = {path for paths in images.values() for path in paths}
    lists = _lists_beside(root)
    for start, names in walk(root):
        lists += [root / start / name for name in _lists_in(names, known)]
        if split := _split_of_place(start):  # an unread test/1.jpg may share train/1.jpg's name
            for name in names:
                if name.lower().endswith(IMAGE_SUFFIXES) and start + name not in read:
                    known.get(_stem(name), set()).add(split)
    said = {path: found for path in lists if (found := _said_by(path, known))}
    folds = _folds(said, known)
    notes = []
    for path, found in said.items():
        wrong = _wrong(path, found, known)
        line = f"{path}: {wrong}"
        is_about = any(word.startswith(_ABOUT) for word in other_words(path.stem))
        if wrong and path not in folds and not is_about:
            raise DataError(f"{line}; arrange the data by it, or move the list away")
        notes += [line] if wrong else _part_of_train(path, found, images, known)
    return notes


def _lists_in(names: Sequence[str], known: Mapping[str, object]) -> list[str]:
    """Those of a folder's files that may list images; labels of one image do not."""
    found = [name for name in names if name.lower().endswith((*_LISTS, *_TREES)) or "." not in name]
    many = len(found) > _MOST_FILES
    stems = ((name, os.path.splitext(name)[0]) for name in found)
    return [
        name
        for name, stem in stems
        if stem.casefold() not in known and (split_in_name(stem) or not (many or "." not in name))
    ]


def _folds(said: Mapping[Path, Sequence[Said]], known: Mapping[str, object]) -> set[Path]:
    """The lists whose names differ in a number only and which name all images together."""
    kinds: dict[str, list[Path]] = {}
    for path in said:
        kinds.setdefault(re.sub(r"\d+", "#", str(path)), []).append(path)
    return {
        path
        for paths in kinds.values()
        if len(paths) > 1 and len({stem for path in paths for _, stem in said[path]}) == len(known)
        for path in paths
    }


def _split_of_place(start: str) -> str | None:
    return next(filter(None, map(split_in_name, reversed(start.split("/")))), None)


def _lists_beside(root: Path) -> list[Path]:
    if root.name.lower() not in _IMAGES:
        return []
    folders = (root.parent / name for name in _BESIDE)
    files = (path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()))
    return [path for path in files if path.suffix.lower() in _LISTS and path.is_file()]


def _said_by(path: Path, known: Mapping[str, object]) -> list[Said]:
    """The split of every image that a list, a table or a tree names; none for other files."""
    if path.stat().st_size > _MOST_BYTES or _is_of_another_task(path):
        return []
    load = _TREES.get(path.suffix.lower())
    said = _said_in_tree(path, load, known) if load else _said_in_lines(path, known)
    alike = len({split for split, _ in said}) == 1
    if alike and len({stem for _, stem in said}) == len(known):
        return []  # it shares nothing out, as scores of all images
    return said


def _wrong(path: Path, said: Sequence[Said], known: Mapping[str, set[str]]) -> str | None:
    """What is wrong with the splits that a list says."""
    # Scores of val's images may well be called test's. train.txt means all that it lists.
    is_for_train = plain_split(path.stem) == "train"
    wrong = [
        (split, stem, min(as_read))
        for split, stem in said
        if split not in known[stem]
        and (as_read := known[stem] & ({"val", "test"} if split == "train" else {"train"}))
        and (split != "train" or is_for_train)
    ]
    if not wrong:
        return None
    split, stem, read_as = wrong[0]
    return f"lists {len(wrong)} images for {split} that would go to {read_as}, first {stem}"


def _part_of_train(
    path: Path,
    said: Sequence[Said],
    images: Mapping[str, Sequence[str]],
    known: Mapping[str, object],
) -> list[str]:
    """A note of a list of train by whose side nothing says what the other images are."""
    listed = {stem for _, stem in said}
    if set(images) != {"train"} or plain_split(path.stem) != "train" or len(listed) == len(known):
        return []
    return [f"{path}: lists {len(listed)} images for train, and {len(known)} are read for it"]


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
    with open(path, "rb") as file:
        is_utf_16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # PowerShell's
    encoding = "utf-16" if is_utf_16 else "utf-8-sig"
    with open(path, encoding=encoding, errors="replace") as lines:
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


def _said_in_tree(path: Path, load: Callable, known: Mapping[str, object]) -> list[Said]:
    """The same of a json or yaml; test.json may be a list of names as well."""
    data = path.read_bytes()
    if load is not json.loads and b"&" in data:  # a yaml's anchors may grow without end
        return []
    try:
        content = load(data)
        is_list = isinstance(content, list) and all(isinstance(name, str) for name in content)
        listed = split_in_name(path.stem) if is_list else None
        said = [(split, _stem(text)) for split, text in _texts(content, listed)]
    except (ValueError, RecursionError, yaml.YAMLError):
        return []
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
            yield from _texts(value, plain_split(str(key)) or plain_split(stated) or split)


def _stem(path: str) -> str:
    name = path.strip().strip('"').replace("\\", "/").rpartition("/")[2]
    stem, suffix = os.path.splitext(name)
    return (stem if suffix.lower() in (*IMAGE_SUFFIXES, *_LABELS) else name).casefold()
