"""The lists of images and class numbers that a classifier's training reads."""

import os
from pathlib import Path

from ..splits import require_outside
from .find import ClassificationData


def list_file(split: str, index_dir: Path) -> Path:
    """The list of a split: a line for each image, its path and its class's number."""
    return index_dir / f"{split}.txt"


def write_lists(data: ClassificationData, index_dir: Path) -> None:
    """Write the list of every split, each in one step.

    Raises:
        DataError: for an `index_dir` inside the data, the user's own folder.
    """
    require_outside(index_dir, data.root)
    index_dir.mkdir(parents=True, exist_ok=True)
    for split, images in data.splits.items():
        path = list_file(split, index_dir)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_text("".join(f"{name} {label}\n" for name, label in images), encoding="utf-8")
        os.replace(part, path)
