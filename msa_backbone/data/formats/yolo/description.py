"""What a file in a folder of YOLO data says of it: the names of the classes, where the splits are.

There are three generations: Ultralytics' yaml, darknet's .data and .names files, and a plain list
of the classes' names.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from ....errors import DataError
from ....files.text import read_bytes, read_text
from ...folders import read_list
from ...found_files import images_in, paths_below
from ...splits import SPLIT_WORDS
from ..boxes.paths import child, split_of, tail_inside, visible_files
from .labels import NOT_LABELS, label_folder

_OF_YOLO = re.compile(rb"^(names|nc)[ \t]*:", re.MULTILINE)


@dataclass
class Description:
    """What a file of ROOT says of the data."""

    file: Path
    names: tuple[str, ...]
    sources: dict[str, list[str]]  # folders or lists of images, by split, as written
    base: str = ""  # the folder that they start from
    num_keypoints: int = 0
    notes: tuple[str, ...] = ()


def describe(root: Path) -> Description | None:
    """The description of the YOLO data in `root`; None if there are none."""
    return _from_yaml(root) or _from_darknet(root) or _from_class_list(root)


def split_folders(root: Path) -> dict[str, Path]:
    """The folder of images of every split, in either nesting: images/train or train/images."""
    found: dict[str, Path] = {}
    images = child(root, "images")
    for folder in (images, root):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            split = split_of([path.name]) if path.is_dir() else None
            if split and (inner := child(path, "images")).is_dir():
                path = inner
            if split and images_in(path) and found.setdefault(split, path) != path:
                if found[split].is_relative_to(images) and not path.is_relative_to(images):
                    continue
                raise DataError(f"{path}: a second {split} folder beside {found[split]}; move it")
    return {split: found[split] for split in SPLIT_WORDS if split in found}


def _from_yaml(root: Path) -> Description | None:
    files = visible_files([*root.glob("*.yaml"), *root.glob("*.yml")], root)
    found = {path: content for path in files if (content := _yolo_yaml(path))}
    if not found:
        return None
    preferred = [path for path in found if path.stem in ("data", "dataset")]
    candidates = preferred or list(found)
    if len(candidates) > 1:
        raise DataError(f"{candidates[1]}: a second description beside {candidates[0]}; remove one")
    path, content = candidates[0], found[candidates[0]]
    sources = {}
    for split, words in SPLIT_WORDS.items():
        written = next((content[word] for word in words if content.get(word)), [])
        written = [written] if isinstance(written, str) else written
        if not isinstance(written, list) or not all(map(_is_line, written)):
            raise DataError(f"{path}: {split!r} is no folder, file or list of these; correct it")
        if written:
            sources[split] = written
    match content.get("kpt_shape", [0, 0]):
        case [int(points), int(numbers)]:
            num_keypoints = points * numbers
        case shape:
            raise DataError(f"{path}: kpt_shape {shape!r} is not [number, 2 or 3]; correct it")
    names, notes = _names_of(content, path)
    notes = (f"format yolo: found {path.name}", *notes)
    return Description(path, names, sources, str(content.get("path") or ""), num_keypoints, notes)


def _yolo_yaml(path: Path) -> dict | None:
    """The content of a yaml file that describes YOLO data; None for any other."""
    text = read_bytes(path)
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # dates that are none, too
        if path.stem != "data" and not _OF_YOLO.search(text):
            return None
        raise DataError(
            f"{path}: not valid YAML ({' '.join(str(error).split())}); correct it"
        ) from None
    if not isinstance(content, dict) or not content.keys() & {"names", "nc"}:
        return None
    return content if content.keys() & {"train", "val", "test", "path", "nc"} else None


def _names_of(content: dict, path: Path) -> tuple[tuple[str, ...], list[str]]:
    """The names by number, and a note where they are made up."""
    names, number = content.get("names"), content.get("nc")
    if isinstance(number, str) and number.strip().isdecimal():
        number = int(number)
    notes = []
    if names is None and isinstance(number, int):
        names = [f"class_{index}" for index in range(number)]
        notes = [f"{path.name} has no names: the classes are called class_0 and so on"]
    if isinstance(names, dict):
        try:
            names = {int(index): name for index, name in names.items()}
        except (TypeError, ValueError):
            names = {}
        if sorted(names) != list(range(len(names))) or not names:
            raise DataError(f"{path}: names are not numbered 0, 1, 2, ...; correct them")
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list) or not names:
        raise DataError(f"{path}: names is no list of the classes' names; write one")
    if odd := [name for name in names if isinstance(name, bool)]:
        raise DataError(
            f"{path}: a name is read as {odd[0]}, as YAML takes yes, no, on and off; put it in "
            "quotes"
        )
    if not all(isinstance(name, str | int | float) for name in names):
        raise DataError(f"{path}: names are not all text; correct them")
    if number is not None and number != len(names):
        raise DataError(f"{path}: nc is {number}, but there are {len(names)} names; correct it")
    return tuple(" ".join(str(name).split()) for name in names), notes


def _is_line(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _from_darknet(root: Path) -> Description | None:
    folders = [folder for folder in (root, child(root, "data")) if folder.is_dir()]
    found = [visible_files([*f.glob("*.data"), *f.glob("*.names")], root) for f in folders]
    files = [path for paths in found for path in paths]  # darknet keeps them in data/
    data = next((path for path in files if path.suffix == ".data"), None)
    lists = {path.name.lower(): path for path in files if path.suffix == ".names"}
    if not data and not lists:
        return None
    lines = read_list(data) if data else []
    stated = dict(re.split(r"\s*=\s*", line, maxsplit=1) for line in lines if "=" in line)
    names = tail_inside(root, stated["names"]) if "names" in stated else None
    names = names or next(iter(lists.values()), None)
    if names is None or not names.is_file():
        raise DataError(f"{data}: the file of the classes' names is not there; add obj.names")
    sources = {}
    for split, words in SPLIT_WORDS.items():
        named = next((stated[word] for word in words if word in stated), None)
        listed = (child(root, f"{word}.txt") for word in words)
        file = named or next((path.name for path in listed if path.is_file()), None)
        if file:
            sources[split] = [file]
    file = data or names
    notes = (f"format yolo (darknet): found {', '.join(dict.fromkeys((file.name, names.name)))}",)
    return Description(file, _listed_names(names), sources, notes=notes)


_LISTS_OF_CLASSES = ("classes.txt", "labels.txt", "_darknet.labels")  # Roboflow's is the last


def _from_class_list(root: Path) -> Description | None:
    """Folders of images and labels, and the names in classes.txt, as labelImg writes it."""
    labelled = _a_label(root)
    if labelled is None:
        return None
    images = split_folders(root).values()
    folders = [root, child(root, "labels"), child(root, "images"), *images]
    folders += [folder for path in images if (folder := label_folder(path, root))]
    files = (folder / name for folder in folders for name in _LISTS_OF_CLASSES)
    file = next((path for path in files if path.is_file()), None)
    if file is None:
        raise DataError(
            f"{labelled}: is a YOLO label, but no file names the classes: add classes.txt to "
            f"{root}, a line for each class"
        )
    notes = (f"format yolo: found {file.relative_to(root)}",)
    return Description(file, _listed_names(file), {}, notes=notes)


def _listed_names(file: Path) -> tuple[str, ...]:
    """The names of a file with a line for each class; an empty line would shift their numbers."""
    names = tuple(line.strip() for line in read_text(file).rstrip().splitlines())
    if "" in names:
        raise DataError(
            f"{file}: line {names.index('') + 1} is empty; name the class, or remove it"
        )
    return names


def _a_label(root: Path) -> Path | None:
    """The first file that looks like a YOLO label: a line that starts with a whole number."""
    for path in paths_below(root, (".txt",)):
        if path.name.lower() not in NOT_LABELS:
            with path.open("rb") as file:
                if re.match(rb"\s*\d+(\s+-?[\d.]+(e[-+]?\d+)?){4,}\s*(\n|\r|$)", file.read(4096)):
                    return path
    return None
