"""What to say of images for a classifier that are not arranged in a folder for each class."""

import csv
import re
from collections import Counter
from pathlib import Path

from ...files.images import IMAGE_SUFFIXES

_STEM = re.compile(r"([^\W\d_][^\d]*?)[\W_]*\d+\W*")  # cat.0, n02085620_7, "golden retriever (3)"
_MOST_CLASSES = 1000  # that the names of files may tell
_SHOWN = 3


def why_no_classes(root: Path, folder: Path, found: int, layouts: str) -> str:
    """One line: what was found instead of class folders in `folder`, and how to arrange it.

    Labels in a table and classes in the names of the files are recognised.
    """
    for path in sorted(filter(Path.is_file, root.glob("*.csv"))):
        if columns := _label_columns(path):
            return (
                f"{path}: is a table of labels ({', '.join(columns)}), which is not read; move "
                f"every image into a folder of its label: {folder}/LABEL/IMAGE"
            )
    flat = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
    matches = [_STEM.fullmatch(path.stem) for path in flat]
    names = Counter(match[1] for match in matches if match)
    if 2 <= len(names) <= _MOST_CLASSES and sum(names.values()) > len(flat) / 2:
        shown = ", ".join(sorted(names)[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        first = min(names)
        return (
            f"{folder}: {len(flat)} images in no class folder, whose names begin with {shown}; "
            f"move those of {first} into {folder / first}/, and so on"
        )
    if flat and not found:
        return (
            f"{folder}: {len(flat)} images in no class folder; move every image into a folder of "
            f"its class: {folder}/CLASS/IMAGE"
        )
    return (
        f"{folder}: {found} folders with images; a classifier needs two classes or more, arranged "
        f"as {layouts}"
    )


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
