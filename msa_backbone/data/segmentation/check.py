"""Check segmentation data for what would stop or spoil a training, before it starts."""

from pathlib import Path

from ...errors import DataError, first_and_count
from ...files.images import whole_image_size
from ..detection.check import check_detection_data
from ..formats.index_masks import IGNORE_INDEX, read_index_mask, values_in
from ..formats.instance_masks import require_segmentations
from ..image_counter import ImageCounter, Progress
from ..splits import copies_warning
from .find import SegmentationData


def check_segmentation_data(data: SegmentationData, progress: Progress | None = None) -> list[str]:
    """Read all images and masks, and return warnings; instances are checked as detection data.

    Raises:
        DataError: for the first image or mask that would spoil a training, with how to mend it.
    """
    if data.instances is not None:
        require_segmentations(data.instances)
        return check_detection_data(data.instances, progress=progress)
    errors, warnings = mask_defects(data, progress)
    if errors:
        raise DataError(first_and_count(errors))
    return warnings


def mask_defects(
    data: SegmentationData, progress: Progress | None = None, full_decode_limit: float = 5000
) -> tuple[list[str], list[str]]:
    """Read all masks and images: what would spoil a training, and what only shrinks it, in lines.

    So many images are decoded; of the others, see `whole_image_size`, only the ends are read.
    """
    seen: dict[str, set[int]] = {}
    train = data.splits["train"]
    in_train = {train.image(name) for name in train.names}
    counter = ImageCounter(sum(len(split.names) for split in data.splits.values()), progress)
    errors, copies = [], []
    for split_name, split in data.splits.items():
        seen[split_name] = set()
        for name in split.names:
            image, mask = split.image(name), split.mask(name)
            decode = counter.done < full_decode_limit
            try:
                seen[split_name] |= _classes_in(mask, image, data.label_map, decode)
            except DataError as error:
                errors.append(str(error))
            if split_name != "train" and image in in_train:
                copies.append(image)
            counter.step()
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
    absent = [name for value, name in enumerate(data.classes) if value not in seen["train"]]
    warnings = [f"classes without a training pixel: {', '.join(absent)}"] if absent else []
    return errors, warnings + copies_warning(copies)


def _classes_in(mask: Path, image: Path, label_map: dict[int, int], decode: bool) -> set[int]:
    """The classes in a mask; raises DataError for a defect of the mask or of its image."""
    pixels = read_index_mask(mask)
    height, width = pixels.shape
    image_width, image_height = whole_image_size(image, decode)
    if (image_width, image_height) != (width, height):
        raise DataError(
            f"{mask}: is {width} x {height}, its image {image} is {image_width} x {image_height}; "
            "make the mask anew in the image's size (by nearest neighbour)"
        )
    values = values_in(pixels)
    if unknown := values - set(label_map):
        raise DataError(
            f"{mask}: holds the value {max(unknown)}, but the classes are 0 to "
            f"{len(label_map) - 1} ({IGNORE_INDEX} means ignore); correct the mask, or name the "
            "class of every value, void for what to ignore"
        )
    return {label_map[value] for value in values} - {IGNORE_INDEX}
