"""Index masks: pictures whose pixels hold the number of a class, read and written.

A pixel of `IGNORE_INDEX` belongs to no class: it is neither trained on nor scored.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import DataError
from ...files.images import open_image

IGNORE_INDEX = 255
IGNORED_NAMES = ("void", "ignore", "ignored", "__ignore__", "unlabelled", "unlabeled")
VOC_CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair"),
    *("cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)


def read_index_mask(path: Path, numbers_of: str = "class") -> np.ndarray:
    """The numbers in an index mask, (H, W) uint8; wider integers of files with more than 8 bits.

    A palette's colours mean nothing. `numbers_of` says in an error what is numbered.

    Raises:
        DataError: if it cannot be read, or is in colours.
    """
    with open_image(path, "mask") as picture:
        if picture.mode == "F":
            raise DataError(
                f"{path}: holds fractions (32-bit floats), not whole numbers of its {numbers_of}; "
                "save these as 8-bit grey PNG"
            )
        if picture.mode not in ("L", "P", "1", "I;16", "I"):
            named = " or add labelmap.txt, a line name:R,G,B:: for each class"
            raise DataError(
                f"{path}: is a picture in colours ({picture.mode}), not an index mask; save the "
                f"number of its {numbers_of} in every pixel, as 8-bit grey or palette PNG"
                f"{named if numbers_of == 'class' else ''}"
            )
        return np.asarray(picture, np.uint8 if picture.mode == "1" else None)


def is_readable(path: Path) -> bool:
    """Whether a mask is an image file; of the file only the head is read."""
    try:
        with open_image(path, "mask"):
            return True
    except DataError:
        return False


def values_in(mask: np.ndarray) -> set[int]:
    """The values that an index mask holds, `IGNORE_INDEX` left out."""
    return set(np.unique(mask).tolist()) - {IGNORE_INDEX}


def write_index_mask(path: Path, mask: np.ndarray) -> None:
    """Write an index mask (H, W) uint8 as grey PNG; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)


def mask_palette(mask: Path, values: Sequence[int]) -> tuple[tuple[int, int, int], ...] | None:
    """The colours of these values in a palette mask, if it has a different one for each."""
    colours = tuple(palette_colours(mask, values).values())
    return colours if colours and len(set(colours)) == len(values) else None


def palette_colours(mask: Path, values: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    """The colours of these values in the palette of a mask, those that it has."""
    with open_image(mask, "mask") as picture:
        flat = picture.getpalette("RGB") if picture.mode == "P" else None
    found = {v: tuple(flat[3 * v : 3 * v + 3]) for v in values} if flat else {}
    return {value: colour for value, colour in found.items() if len(colour) == 3}
