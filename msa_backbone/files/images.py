"""Image files, read as training reads them: by OpenCV.

mmcv's LoadImageFromFile hands the bytes of a file to OpenCV's `imdecode` with IMREAD_COLOR. A check
or a prediction that reads in another way sees other pixels than training. So all reading is here,
and the decisions are OpenCV's (as measured with 4.12):

- EXIF orientation: JPEG, PNG and TIFF are turned as it says, WebP and BMP are not.
- 16 bits a channel: the upper eight stay (value // 256). 12 bits in 16 come out almost black.
- 32 and 64 bits: grey TIFF of such numbers is not read. RGB TIFF of 32-bit floats is.
- Transparency: the alpha channel is left out, the colours below it stay. TIFF's are multiplied by
  it.
- Grey, one bit, palettes, CMYK: become RGB.
- More than 2**30 pixels, or 2**20 a side: not read.
- Files that end too early: not read.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from ..errors import DataError
from .image_heads import Head, read_head

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"),
    *(".jfif", ".jpe", ".ppm", ".pgm"),
)
UNREAD_SUFFIXES = (".gif", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".dng", ".svg", ".dcm")
"""Pictures that some OpenCV or none reads: they are counted, so that nobody misses them."""
UNREADABLE = "unreadable image"
UNFIT = "image of a kind that OpenCV, by which training reads, cannot read"
TOO_LARGE = "image too large for OpenCV, by which training reads"
IMAGE_DEFECTS = {
    UNREADABLE: "replace the file",
    UNFIT: "save it as PNG or TIFF with 8 or 16 bits a channel",
    TOO_LARGE: "cut it into tiles, or set OPENCV_IO_MAX_IMAGE_PIXELS to more pixels",
}
"""Why training cannot read an image file, and what to do about it."""

TURNED = "training turns the image as its EXIF says"
NOT_TURNED = "training does not turn the image, though its EXIF says so"
DARK = "every image is almost black"
IMAGE_ODDITIES = {
    TURNED: "browse_data.py shows whether it was annotated so; if not, remove the EXIF",
    NOT_TURNED: "browse_data.py shows whether it was annotated so; if not, save it turned, as PNG",
    DARK: "12 bits stored in 16, for one, have to be multiplied by 16",
}
"""What training can read but the user hardly wants, and what to do about it."""

_PILLOW_ERRORS = (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError)
_EXIF_ORIENTATION = 0x0112
_MOST_PIXELS, _LONGEST_SIDE = 2**30, 10**6  # the latter is libpng's, OpenCV's is 2**20
_LIMIT = f"{_MOST_PIXELS} pixels or {_LONGEST_SIDE} a side"
_DARKEST = 16  # of 256
_WIDE_MODES = {"F": "32-bit floats", "I": "32-bit whole numbers"}  # by Pillow's names of modes
_set_log_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel  # OpenCV 4 or 5
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class ImageError(DataError):
    """An image file that training cannot read; `kind` is one of `IMAGE_DEFECTS`."""

    def __init__(self, path: Path, kind: str, reason: object) -> None:
        super().__init__(f"{path}: {kind} ({reason}); {IMAGE_DEFECTS[kind]}")
        self.kind, self.reason = kind, reason


@dataclass(frozen=True)
class ImageFacts:
    """What the checks want to know of an image, as training reads it."""

    width: int
    height: int
    orientation: int  # EXIF's, 1 to 8, where training obeys it; 1: the image stays as stored
    brightest: int | None  # the highest value, 0 to 255; None if the pixels were not read
    ignored: int = 1  # EXIF's orientation, where training does not obey it

    @property
    def oddities(self) -> list[str]:
        """`TURNED` or `NOT_TURNED`, where width and height do not show it."""
        unseen = (2, 3, 4, *(range(5, 9) if self.width == self.height else ()))
        kinds = {TURNED: self.orientation, NOT_TURNED: self.ignored}
        return [kind for kind, orientation in kinds.items() if orientation in unseen]


@contextmanager
def open_image(path: Path, kind: str = "image") -> Iterator[Image.Image]:
    """An image file, opened by Pillow, as mmseg reads masks; its pixels are read when asked for.

    Raises:
        DataError: for an unreadable file of this kind, also inside the block; Pillow's error is
            its `__cause__`.
    """
    try:
        with Image.open(path) as picture:
            yield picture
    except DataError:  # the block's own
        raise
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{path}: {kind} too large for Pillow ({error}); cut it into tiles"
        ) from error
    except _PILLOW_ERRORS as error:
        raise DataError(f"{path}: unreadable {kind} ({error}); replace the file") from error


def read_image(path: Path) -> np.ndarray:
    """An image file as RGB, (H, W, 3) uint8, by the decisions above.

    Raises:
        ImageError: if training cannot read it.
    """
    return decoded(path)[..., ::-1].copy()


def image_size(path: Path) -> tuple[int, int]:
    """Width and height as training reads them, of the head alone where that says it."""
    head = _head(path)
    if head is not None:
        return head.width, head.height
    height, width, _ = decoded(path).shape
    return width, height


def image_facts(path: Path, decode: bool) -> ImageFacts:
    """What is to be known of an image that training can read, and that was not cut off.

    Decoding all pixels is slow. JPEG and PNG have a mark at their end, which shows quickly whether
    a file is whole, though not whether it is sound: only files without it are always decoded.

    Raises:
        ImageError: if training cannot read it.
    """
    head = _head(path)
    if head and head.whole and not decode and is_within_limits(head.width, head.height):
        return ImageFacts(head.width, head.height, head.orientation, None)
    if head and not head.whole and head.is_jpeg:  # some versions of OpenCV fill up what is missing
        _load_by_pillow(path)
    pixels = decoded(path)
    orientation = head.orientation if head else _tiff_orientation(path)
    ignored = 1 if head or orientation > 1 else stored_orientation(path)
    return ImageFacts(pixels.shape[1], pixels.shape[0], orientation, int(pixels.max()), ignored)


def stored_orientation(path: Path) -> int:
    """The EXIF orientation in the file, 1 to 8, whether or not training obeys it; 1 if none."""
    with suppress(*_PILLOW_ERRORS), Image.open(path) as picture:
        return picture.getexif().get(_EXIF_ORIENTATION, 1)
    return 1


def file_digest(path: Path) -> bytes:
    """Equal for files of equal content."""
    return hashlib.blake2b(path.read_bytes(), digest_size=16).digest()


def is_dark(facts: Iterable[ImageFacts]) -> bool:
    """Whether the images that were decoded are all almost black; False if none was decoded."""
    seen = [f.brightest for f in facts if f.brightest is not None]
    return bool(seen) and max(seen) < _DARKEST


def _head(path: Path) -> Head | None:
    try:
        return read_head(path)
    except OSError as error:
        raise ImageError(path, UNREADABLE, error) from error


def is_within_limits(width: int, height: int) -> bool:
    """Whether OpenCV reads images of this size."""
    return width * height <= _MOST_PIXELS and max(width, height) <= _LONGEST_SIDE


def _tiff_orientation(path: Path) -> int:
    """The orientation in the head of a TIFF; 1 for other files."""
    with suppress(*_PILLOW_ERRORS), TiffImageFile(path) as picture:
        orientation = picture.tag_v2.get(_EXIF_ORIENTATION, 1)
        return orientation if orientation in range(1, 9) else 1
    return 1


def decoded(path: Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """As mmcv decodes it: (H, W, 3) uint8, BGR, or what OpenCV's other `flags` ask for.

    Raises:
        ImageError: if OpenCV cannot read it.
    """
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise ImageError(path, UNREADABLE, error) from error
    level = _set_log_level(0)  # OpenCV tells stderr why; the error below says it better
    try:
        pixels = cv2.imdecode(content, flags) if len(content) else None
    except cv2.error as error:
        if "CV_IO_MAX_IMAGE" not in str(error):
            raise ImageError(path, UNREADABLE, " ".join(str(error).split())) from error
        raise ImageError(path, TOO_LARGE, f"more than {_LIMIT}") from error
    finally:
        _set_log_level(level)
    if pixels is None:
        raise _why_not(path, bytes(content[:4]))
    return pixels


def _why_not(path: Path, start: bytes) -> ImageError:
    """Why OpenCV does not read a file, as far as Pillow knows."""
    try:
        with TiffImageFile(path) if start in _TIFF else Image.open(path) as picture:
            if max(picture.size) > _LONGEST_SIDE:
                return ImageError(path, TOO_LARGE, f"{picture.width} x {picture.height} pixels")
            picture.load()
            held = _WIDE_MODES.get(picture.mode, f"OpenCV cannot read this {picture.format}")
            # OpenCV reads all kinds of PNG and JPEG: where it does not, the file is not sound.
            sound = picture.format not in ("PNG", "JPEG", "MPO")
            return ImageError(path, UNFIT if sound else UNREADABLE, held)
    except Image.DecompressionBombError:
        return ImageError(path, TOO_LARGE, f"more than {_LIMIT}")
    except _PILLOW_ERRORS as error:
        kind = UNFIT if "unknown pixel mode" in str(error) else UNREADABLE
        return ImageError(path, kind, error)


def _load_by_pillow(path: Path) -> None:
    try:
        with JpegImageFile(path) as picture:
            picture.load()
    except _PILLOW_ERRORS as error:
        raise ImageError(path, UNREADABLE, error) from error
