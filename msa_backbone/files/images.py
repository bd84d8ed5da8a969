"""Image files, read in one way for checks, predictions and pictures.

The formats differ in what a file may hold. These are the decisions, made here and nowhere else:

- EXIF orientation: the image is turned as its camera says.
- 16 bits a pixel: scaled to 8 bits (value // 257), not cut off at 255.
- Transparency: the alpha channel is left out, the colours below it stay.
- Grey, palettes, CMYK: become RGB.
- Files that end too early: an error, where the pixels are read.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ..errors import DataError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_PILLOW_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
_EXIF_ORIENTATION = 0x0112
_TURNED_FORMATS = ("JPEG", "MPO", "PNG")  # whose EXIF orientation OpenCV follows in training
_END_MARKS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")


@contextmanager
def open_image(path: Path, kind: str = "image") -> Iterator[Image.Image]:
    """An image file, opened by Pillow; its pixels are read when they are asked for.

    Raises:
        DataError: for an unreadable file of this kind, also inside the block; Pillow's error is
            its `__cause__`.
    """
    try:
        with Image.open(path) as picture:
            yield picture
    except DataError:  # the block's own
        raise
    except _PILLOW_ERRORS as error:
        raise DataError(f"{path}: unreadable {kind} ({error}); replace the file") from error


def read_image(path: Path) -> np.ndarray:
    """An image file as RGB, (H, W, 3) uint8, by the decisions above; DataError if unreadable."""
    with open_image(path) as picture:
        if picture.mode in _SIXTEEN_BITS:
            values = np.asarray(picture).astype(np.int64)
            picture = Image.fromarray((values.clip(0, 65535) // 257).astype(np.uint8))
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


def image_size(path: Path) -> tuple[int, int]:
    """Width and height as training reads them; of the file only the head; DataError as above."""
    with open_image(path) as picture:
        return _oriented_size(picture)


def whole_image_size(path: Path, decode: bool) -> tuple[int, int]:
    """Width and height, as training reads them, of an image that was not cut off.

    Decoding all pixels is slow. JPEG and PNG have a mark at their end, which shows quickly whether
    a file is whole, though not whether it is sound: only files without it are always decoded.

    Raises:
        DataError: if the image cannot be read as a whole.
    """
    with open_image(path) as picture:
        if decode or not _has_end_mark(path, picture.format):
            picture.load()
        return _oriented_size(picture)


def file_digest(path: Path) -> bytes:
    """Equal for files of equal content."""
    return hashlib.blake2b(path.read_bytes(), digest_size=16).digest()


def _oriented_size(picture: Image.Image) -> tuple[int, int]:
    exif = picture.getexif() if picture.format in _TURNED_FORMATS else {}
    width, height = picture.size
    lies_on_its_side = exif.get(_EXIF_ORIENTATION, 1) > 4
    return (height, width) if lies_on_its_side else (width, height)


def _has_end_mark(path: Path, image_format: str) -> bool:
    mark = _END_MARKS.get(image_format)
    if mark is None:
        return False
    with path.open("rb") as file:
        file.seek(-len(mark), 2)
        return file.read() == mark
