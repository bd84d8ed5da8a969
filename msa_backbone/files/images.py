"""Image files: their suffixes, sizes, pixels, and whether they are complete."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ..errors import DataError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_EXIF_ORIENTATION = 0x0112
IMAGE_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
_END_MARKS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")


def oriented_size(picture: Image.Image) -> tuple[int, int]:
    """Width and height as training reads them: turned by EXIF."""
    exif = picture.getexif() if picture.format in ("JPEG", "MPO", "PNG") else {}
    width, height = picture.size
    return (height, width) if exif.get(_EXIF_ORIENTATION, 1) > 4 else (width, height)


def file_digest(path: Path) -> bytes:
    """Equal for files of equal content."""
    return hashlib.blake2b(path.read_bytes(), digest_size=16).digest()


def ends_complete(path: Path, image_format: str) -> bool:
    """Whether the file ends with the mark that closes its format; False for formats without one."""
    mark = _END_MARKS.get(image_format)
    if mark is None:
        return False
    with path.open("rb") as file:
        file.seek(-len(mark), 2)
        return file.read() == mark


def read_image(path: Path) -> np.ndarray:
    """An image file as RGB, (H, W, 3) uint8, turned as its EXIF data says; 16 bits become 8.

    Raises:
        DataError: if it cannot be read as a whole.
    """
    try:
        with Image.open(path) as picture:
            if picture.mode in _SIXTEEN_BITS:
                values = np.asarray(picture).astype(np.int64)
                picture = Image.fromarray((values.clip(0, 65535) // 257).astype(np.uint8))
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except IMAGE_ERRORS as error:
        raise DataError(f"{path}: unreadable image ({error}); replace the file") from None


def read_picture(path: Path) -> np.ndarray:
    """An image file as RGB, (H, W, 3) uint8, turned as its EXIF data says."""
    with Image.open(path) as picture:
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
