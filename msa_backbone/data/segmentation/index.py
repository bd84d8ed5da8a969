"""What a segmentation training reads beside the user's folder: lists of names, and made masks."""

import hashlib
from collections.abc import Collection
from pathlib import Path

import msgspec
import numpy as np

from ...errors import DataError
from ...files.whole_files import complete_folder
from ..folders import list_file, require_outside, write_list
from ..formats.drawn_masks import draw_masks
from ..formats.index_masks import write_index_mask
from ..formats.masks.colours import read_mask
from ..image_counter import ImageCounter, Progress
from .find import SegmentationData


def are_made(data: SegmentationData) -> bool:
    """Whether training reads masks that are made: drawn from instances, or from colours."""
    return data.instances is not None or data.colours is not None


def are_listed(data: SegmentationData, split: str) -> bool:
    """Whether the list of a split names the mask of every image, as no suffix tells it."""
    return not are_made(data) and data.splits[split].mask_files is not None


def mask_suffix(data: SegmentationData, split: str) -> str:
    """How the names of the masks in `mask_dir` end."""
    return ".png" if are_made(data) else data.splits[split].mask_suffix


def mask_dir(data: SegmentationData, split: str, index_dir: Path) -> Path:
    """The folder of a split's masks: the user's, or one in `index_dir` for masks that are made.

    The name of the latter carries a digest of what they are made from, so that masks of something
    else are not taken for theirs.
    """
    files = data.splits[split]
    if not are_made(data):
        return files.mask_dir
    if data.instances is not None:
        content = [data.classes, data.instances.splits[split].content]
    else:
        stats = [(name, files.mask(name).stat()) for name in files.names]
        content = [list(data.colours.items())]
        content += [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]
    digest = hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:12]
    return index_dir / f"masks-{split}-{digest}"


def write_index(
    data: SegmentationData,
    index_dir: Path,
    progress: Progress | None = None,
    splits: Collection[str] = ("train", "val", "test"),
) -> None:
    """Write the lists of images, and make the masks that have to be made and are not there yet.

    A line is the name of an image, or its file and its mask's with a tab between.

    `splits` are those that will be read. Raises DataError for a folder inside the data.
    """
    require_outside(index_dir, data.root)
    for name, split in data.splits.items():
        if name in splits:
            listed = are_listed(data, name)
            lines = [f"{n}\t{split.mask_files[n]}" for n in split.names] if listed else split.names
            write_list(list_file(name, index_dir), lines)
            if are_made(data):
                _make_once(data, name, mask_dir(data, name, index_dir), progress)


def _make_once(data: SegmentationData, split: str, folder: Path, progress: Progress | None) -> None:
    """Make a split's masks unless they are there, also if another process does the same now."""
    if folder.is_dir():
        return
    try:
        with complete_folder(folder) as made:
            if data.instances is not None:
                draw_masks(data.instances.splits[split], data.classes, made, progress)
            else:
                _convert_masks(data, split, made, progress)
    except DataError:
        if not folder.is_dir():  # no other process has finished first
            raise


def _convert_masks(
    data: SegmentationData, split: str, folder: Path, progress: Progress | None
) -> None:
    """Write the values of the masks' colours, each under its image's name."""
    files = data.splits[split]
    counter = ImageCounter(len(files.names), progress)
    for name in files.names:
        values = read_mask(files.mask(name), data.colours).astype(np.uint8)
        write_index_mask(folder / f"{name}.png", values)
        counter.step()
