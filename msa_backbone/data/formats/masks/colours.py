"""Masks in colours: pictures of the classes' colours, as CVAT exports them beside labelmap.txt.

A pixel's class is the one of its colour. Training reads numbers, so the colours are converted.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ....errors import DataError
from ....files.images import open_image
from ..index_masks import IGNORE_INDEX, read_index_mask
from .labelmap import Colour


def is_in_colours(path: Path, colours: Mapping[Colour, int]) -> bool:
    """Whether a mask's numbers are not those of its classes; of the file only the head is read.

    A palette may number the colours in another order than labelmap.txt.
    """
    with open_image(path, "mask") as picture:
        if picture.mode == "P":
            flat = picture.getpalette("RGB")
            return any(tuple(flat[3 * v : 3 * v + 3]) != c for c, v in colours.items())
        return picture.mode in ("RGB", "RGBA") or (picture.mode in ("L", "1") and _is_grey(colours))


def read_mask(path: Path, colours: Mapping[Colour, int] | None) -> np.ndarray:
    """The values in a mask, (H, W), read as `read_index_mask` does where `colours` is None.

    Grey numbers that are all values of classes stay; else a pixel's value is that of its colour. A
    palette's colours go before its numbers.

    Raises:
        DataError: for a mask that cannot be read, or a colour that is no class's.
    """
    if colours is None:
        return read_index_mask(path)
    with open_image(path, "mask") as picture:
        grey = picture.mode in ("L", "1", "I;16", "I")
        numbers = read_index_mask(path) if grey or picture.mode == "P" else None
        is_white_ignored = (255, 255, 255) not in colours
        known = {*colours.values(), *([IGNORE_INDEX] if is_white_ignored else [])}
        are_values = numbers is not None and set(np.unique(numbers).tolist()) <= known
        if grey and are_values:
            return numbers
        pixels = np.asarray(picture.convert("L").convert("RGB") if grey else picture.convert("RGB"))
    values, strange = _values_of(pixels, colours)
    if numbers is not None and is_white_ignored:
        strange &= numbers != IGNORE_INDEX
        values[numbers == IGNORE_INDEX] = IGNORE_INDEX
    if not strange.any():
        return values
    if are_values:
        return numbers
    raise DataError(
        f"{path}: {strange.sum()} pixels have a colour that labelmap.txt does not name, first "
        f"{','.join(map(str, pixels[strange][0]))}; add its class there, or correct the mask (one "
        "that was a JPEG or was resized smoothly has colours in between)"
    )


def _values_of(pixels: np.ndarray, colours: Mapping[Colour, int]) -> tuple[np.ndarray, np.ndarray]:
    """The value of every pixel's colour, (H, W) uint8, and where the colour is no class's."""
    codes = pixels.astype(np.int64) @ (1 << 16, 1 << 8, 1)
    known = {red << 16 | green << 8 | blue: value for (red, green, blue), value in colours.items()}
    order = np.array(sorted(known))
    places = np.searchsorted(order, codes).clip(max=len(order) - 1)
    return np.array([known[c] for c in order.tolist()], np.uint8)[places], order[places] != codes


def _is_grey(colours: Mapping[Colour, int]) -> bool:
    """Whether a grey picture may show the classes' colours, such as black and white."""
    return all(red == green == blue for red, green, blue in colours)
