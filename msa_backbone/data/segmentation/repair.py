"""Mend what the check of masks finds, as far as that needs no guess, in a copy."""

import shutil
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...files.images import file_digest, open_image
from ..formats.index_masks import write_index_mask
from ..formats.written_images import write_class_names
from ..image_counter import ImageCounter, Progress
from .check import look_at_pair
from .find import SegmentationData
from .labels import labels_in


def write_repaired(
    data: SegmentationData, folder: Path, progress: Progress | None = None
) -> list[str]:
    """Write images/SPLIT/ and masks/SPLIT/, 8-bit index masks of the classes' numbers.

    - Images without a mask and pairs with a defect, such as another size or a value without a
      class, are left out: what they should be would be a guess.
    - Masks in colours, of one bit or of 16, and those whose values are not the classes' numbers
      become 8-bit masks of these numbers.
    - Training images that are also in another split are left out of train.

    Args:
        data: what `find_segmentation_data` found, also with `complete=False`; no instances.
        folder: an empty one; gets classes.txt too.
        progress: called after every image.

    Returns:
        A line for every change.

    Raises:
        DataError: if no training image is left.
    """
    changes = [f"left out: {line}" for split in data.splits.values() for line in split.lost]
    counter = ImageCounter(sum(len(split.names) for split in data.splits.values()), progress)
    elsewhere: set[bytes] = set()
    converted: dict[str, int] = {}
    written = 0
    for split_name in sorted(data.splits, key=("test", "val", "train").index):
        split = data.splits[split_name]
        for name in split.names:
            counter.step()
            image, mask = split.image(name), split.mask(name)
            try:
                look_at_pair(image, mask, data, decode=True)
            except DataError as error:
                changes.append(f"{split_name}: {image}: left out with its mask ({error})")
                continue
            digest = file_digest(image)
            if split_name != "train":
                elsewhere.add(digest)
            elif digest in elsewhere:
                changes.append(f"train: {image}: left out, it is in another split too")
                continue
            if change := _conversion(mask, data):
                converted[change] = converted.get(change, 0) + 1
            place = image.relative_to(split.image_dir)
            _copy(image, folder / "images" / split_name / place)
            target = folder / "masks" / split_name / place.with_suffix(".png")
            write_index_mask(target, labels_in(mask, data))
            written += split_name == "train"
    if not written:
        raise DataError(f"{data.splits['train'].image_dir}: no training image is sound; mend some")
    write_class_names(folder, data.classes)
    return changes + [f"masks {change}: {count}" for change, count in converted.items()]


def _conversion(mask: Path, data: SegmentationData) -> str | None:
    """What is done to a sound mask; None if it stays as it is."""
    if data.colours:
        return "in colours, now the numbers of the classes by labelmap.txt"
    with open_image(mask, "mask") as picture:
        if picture.mode not in ("L", "P"):
            return f"of mode {picture.mode}, now of 8 bits"
        values = set(np.unique(np.asarray(picture)).tolist())
    if any(data.label_map.get(value, value) != value for value in values):
        return "with other values, now the numbers of the classes"
    return None


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
