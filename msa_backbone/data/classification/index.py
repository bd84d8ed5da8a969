"""The lists of images and class numbers that a classifier's training reads."""

from pathlib import Path

from ..folders import list_file, require_outside, write_list
from .find import ClassificationData


def write_index(data: ClassificationData, index_dir: Path) -> None:
    """Write the list of every split: a line for each image, its path and its class's number.

    Raises DataError for a folder inside the data.
    """
    require_outside(index_dir, data.root)
    for split, images in data.splits.items():
        write_list(list_file(split, index_dir), (f"{name} {label}" for name, label in images))
