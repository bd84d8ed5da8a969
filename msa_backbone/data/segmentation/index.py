"""What a segmentation training reads beside the user's folder: lists of names, and drawn masks."""

import hashlib
from collections.abc import Collection
from pathlib import Path

import msgspec

from ...errors import DataError
from ...files.whole_files import complete_folder
from ..folders import list_file, require_outside, write_list
from ..formats.drawn_masks import draw_masks
from ..image_counter import Progress
from .find import SegmentationData


def mask_dir(data: SegmentationData, split: str, index_dir: Path) -> Path:
    """The folder of a split's masks: the user's, or one in `index_dir` for masks that are drawn.

    The name of the latter carries a digest of the annotations, so that masks of other annotations
    are not taken for theirs.
    """
    if data.instances is None:
        return data.splits[split].mask_dir
    content = [data.classes, data.instances.splits[split].content]
    digest = hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:12]
    return index_dir / f"masks-{split}-{digest}"


def write_index(
    data: SegmentationData,
    index_dir: Path,
    progress: Progress | None = None,
    splits: Collection[str] = ("train", "val", "test"),
) -> None:
    """Write the lists of images, and draw the masks that have to be drawn and are not there yet.

    `splits` are those that will be read. Raises DataError for a folder inside the data.
    """
    require_outside(index_dir, data.root)
    for name, split in data.splits.items():
        if name in splits:
            write_list(list_file(name, index_dir), split.names)
            if data.instances is not None:
                _draw_once(data, name, mask_dir(data, name, index_dir), progress)


def _draw_once(data: SegmentationData, split: str, folder: Path, progress: Progress | None) -> None:
    """Draw a split's masks unless they are there, also if another process does the same now."""
    if folder.is_dir():
        return
    try:
        with complete_folder(folder) as drawn:
            draw_masks(data.instances.splits[split], data.classes, drawn, progress)
    except DataError:
        if not folder.is_dir():  # no other process has finished first
            raise
