"""What to say of images for a classifier that are not arranged in a folder for each class."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ...files.images import IMAGE_SUFFIXES, UNREAD_SUFFIXES
from ..found_files import files_below, images_in, unread_pictures
from ..splits import SPLIT_OF

_STEM = re.compile(r"([^\W\d_][^\d]*?)[\W_]*\d+\W*")  # cat.0, n02085620_7, "golden retriever (3)"
_MOST_CLASSES = 1000  # that the names of files may tell
_SHOWN = 3
_IMAGES = ("images", "image", "imgs", "img", "jpegimages", "photos", "pictures")
_BESIDE_IMAGES = ("annotations", "annotation", "labels", "masks", "xmls", "trimaps")
_NUMBERED = re.compile(r"(.*?)[ _-]?\d+")  # fold1, part_2


def no_names_of_classes(folder: Path, found: Sequence[Path]) -> str | None:
    """A line for folders that hold all images, or parts of the data; None for classes.

    `found` are the folders with images in `folder`.
    """
    known = {path.name.lower(): path for path in found}
    images = next((known[word] for word in _IMAGES if word in known), None)
    beside = [known[word].name for word in _BESIDE_IMAGES if word in known]
    if images and (beside or 2 * len(images_in(images)) >= len(images_in(folder))):
        others = f" beside {beside[0]}/" if beside else ""
        return f"{images}: seems to hold all images{others}, not a class; {_inside(images)}"
    inside = [{path.name for path in place.iterdir() if path.is_dir()} for place in found]
    shared = sorted(set.intersection(*inside))
    names = [path.name for path in found]
    numbered = [match[1] for match in map(_NUMBERED.fullmatch, names) if match]
    if len(shared) > 1 and len(numbered) == len(names) and len(set(numbered)) == 1:
        return (
            f"{folder}: {', '.join(names[:_SHOWN])} hold the same folders ({', '.join(shared)}) "
            "and look like parts of the data, not like classes; move those to train on into train/ "
            "as one, and those to score on into val/"
        )
    return None


def _classes_in(folder: Path) -> str | None:
    """What to do where a folder holds folders of images; None where it does not."""
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and images_in(path)]
    if len(inside) < 2 or all(path.name.lower() in SPLIT_OF and _is_flat(path) for path in inside):
        return None
    names = ", ".join(path.name for path in inside[:_SHOWN])
    return f"if the classes are the folders in it ({names}), give {folder}"


def _is_flat(folder: Path) -> bool:
    return not any(path.is_dir() for path in folder.iterdir())


def _inside(folder: Path) -> str:
    """The mend for a folder that is no class."""
    if line := _classes_in(folder):
        return line
    names = _names_of_files(folder)
    if not names:
        return f"move every image into a folder of its class there, and give {folder}"
    return f"move those of {names[0]} into {folder / names[0]}/, and so on, and give {folder}"


def why_no_classes(root: Path, folder: Path, found: Sequence[Path], layouts: str) -> str:
    """One line: what was found instead of class folders in `folder`, and how to arrange it.

    Labels in a table and classes in the names of the files are recognised. `found` are the folders
    with images.
    """
    for path in sorted(filter(Path.is_file, root.glob("*.csv"))):
        if columns := _label_columns(path):
            return (
                f"{path}: is a table of labels ({', '.join(columns)}), which is not read; move "
                f"every image into a folder of its label: {folder}/LABEL/IMAGE"
            )
    flat = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES]
    if names := _names_of_files(folder):
        shown = ", ".join(sorted(names)[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        first = min(names)
        return (
            f"{folder}: {len(flat)} images in no class folder, whose names begin with {shown}; "
            f"move those of {first} into {folder / first}/, and so on"
        )
    beside = [p for p in sorted(root.iterdir()) if p.is_dir() and p.name.lower() not in SPLIT_OF]
    if flat and not found and (like := next(filter(images_in, beside), None)) and folder != root:
        return (
            f"{folder}: {len(flat)} images in no class folder; where it is a class itself, as "
            f"{like.name}/ beside it, move all classes into another folder {folder.name}/"
        )
    if flat and not found:
        return (
            f"{folder}: {len(flat)} images in no class folder; move every image into a folder of "
            f"its class: {folder}/CLASS/IMAGE"
        )
    if len(found) == 1 and not flat and (line := _classes_in(found[0])):
        return f"{found[0]}: the only folder with images; {line}"
    if not found and (unread := sorted(files_below(folder, UNREAD_SUFFIXES))):
        return f"{folder}: no image that is read, but {unread_pictures(unread)}"
    return (
        f"{folder}: {len(found)} folders with images; a classifier needs two classes or more, "
        f"arranged as {layouts}"
    )


def _names_of_files(folder: Path) -> list[str]:
    """The classes that the names of most images in a folder begin with; none where they do not."""
    flat = [path.stem for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    matches = [_STEM.fullmatch(stem) for stem in flat]
    names = Counter(match[1] for match in matches if match)
    told = 2 <= len(names) <= _MOST_CLASSES and sum(names.values()) > len(flat) / 2
    return sorted(names) if told else []


def _label_columns(path: Path) -> list[str]:
    """The columns of a table whose rows have an image's name or number and a label."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            columns = next(csv.reader(file), [])
    except (OSError, csv.Error):
        return []
    words = {re.sub(r"\W|_", "", column.lower()) for column in columns}
    image = words & {"id", "image", "imageid", "filename", "file", "imgname", "path", "img"}
    label = words & {"label", "class", "labels", "category", "target", "breed", "species", "level"}
    return columns if image and label else []
