"""Check segmentation data for what would stop or spoil a training, before it starts."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from ...errors import DataError
from ...files.images import IMAGE_ERRORS, ends_complete, oriented_size
from ..detection.check import check_detection_data
from ..formats.index_masks import IGNORE_INDEX, mask_values
from ..formats.instance_masks import require_segmentations
from .find import SegmentationData


def check_segmentation_data(
    data: SegmentationData, progress: Callable[[int, int], None] | None = None
) -> list[str]:
    """Read all images and masks; return warnings, one line for each kind of defect.

    `progress(done, total)` is called after every image. Instances are checked as detection data.

    Raises:
        DataError: for the first image or mask that would spoil a training, with how to mend it.
    """
    if data.instances is not None:
        require_segmentations(data.instances)
        return check_detection_data(data.instances, progress=progress)
    errors, warnings = mask_defects(data, progress)
    if errors:
        more = f"; {len(errors) - 1} more errors" if len(errors) > 1 else ""
        raise DataError(f"{errors[0]}{more}")
    return warnings


def mask_defects(
    data: SegmentationData,
    progress: Callable[[int, int], None] | None = None,
    full_decode_limit: float = 5000,
) -> tuple[list[str], list[str]]:
    """Read all masks and images; return what would spoil a training, and what only shrinks it.

    A line each. `progress(done, total)` is called after every image. So many images are decoded; of
    the others, as in `checks.detection_defects`, the size and the end of the file are read.
    """
    seen: dict[str, set[int]] = {}
    train = data.splits["train"]
    in_train = {train.image(name) for name in train.names}
    done, total, twice = 0, sum(len(split.names) for split in data.splits.values()), []
    errors = []
    for split_name, split in data.splits.items():
        seen[split_name] = set()
        for name in split.names:
            image = split.image(name)
            try:
                seen[split_name] |= _read_pair(
                    image, split.mask(name), data.label_map, done < full_decode_limit
                )
            except DataError as error:
                errors.append(str(error))
            if split_name != "train" and image in in_train:
                twice.append(image)
            done += 1
            if progress:
                progress(done, total)
    if not errors and not seen["train"]:
        errors.append(
            f"{train.mask_dir}: every pixel is {IGNORE_INDEX} (ignore), so there is nothing to "
            "train on; put the classes' numbers there"
        )
    if not errors and seen["train"] == {0} and len(data.classes) > 1:
        errors.append(
            f"{train.mask_dir}: only class 0 ({data.classes[0]}) has training pixels, as "
            f"{IGNORE_INDEX} means ignore; where it stands for the foreground, save that as 1"
        )
    return errors, _warnings(data, seen, twice)


def _read_pair(image: Path, mask: Path, label_map: dict[int, int], decode: bool) -> set[int]:
    """The classes in a mask; raises DataError for a defect of the mask or of the image."""
    size, values = mask_values(mask)
    _check_image(image, mask, size, decode)
    if unknown := values - set(label_map):
        raise DataError(
            f"{mask}: holds the value {max(unknown)}, but the classes are 0 to "
            f"{len(label_map) - 1} ({IGNORE_INDEX} means ignore); correct the mask, or name the "
            "class of every value, void for what to ignore"
        )
    return {label_map[value] for value in values} - {IGNORE_INDEX}


def _check_image(image: Path, mask: Path, mask_size: tuple[int, int], decode: bool) -> None:
    try:
        with Image.open(image) as picture:
            if decode or not ends_complete(image, picture.format):
                picture.load()
            size = oriented_size(picture)
    except IMAGE_ERRORS as error:
        raise DataError(f"{image}: unreadable image ({error}); replace the file") from None
    if size != mask_size:
        raise DataError(
            f"{mask}: is {mask_size[0]} x {mask_size[1]}, its image {image} is {size[0]} x "
            f"{size[1]}; make the mask anew in the image's size (by nearest neighbour)"
        )


def _warnings(data: SegmentationData, seen: dict[str, set[int]], twice: list[Path]) -> list[str]:
    lines = []
    absent = [name for value, name in enumerate(data.classes) if value not in seen["train"]]
    if absent:
        lines.append(f"classes without a training pixel: {', '.join(absent)}")
    if twice:
        lines.append(
            f"images also in the train split: {len(twice)}, first {twice[0]}; their score tells "
            "little, keep each in one split"
        )
    return lines
