"""What the head of a JPEG or PNG says without its pixels: size and EXIF orientation.

Training turns an image as its EXIF orientation says, so that width and height may be swapped. Which
of the many odd forms of EXIF count is OpenCV's decision. It is asked: the EXIF of the file is put
into a tiny picture, and how OpenCV turns that is how it turns the file.
"""

from pathlib import Path
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_PNG_HEAD = 33  # bytes up to the end of its first chunk, IHDR
_END_MARKS = {_JPEG: b"\xff\xd9", _PNG: b"IEND\xaeB`\x82"}
_TURNS = {  # what each orientation, counted as in EXIF, makes of a stored picture
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a.T, 2),
    8: lambda a: np.rot90(a, 1),
}
_PATTERN = np.kron(np.array([[0, 90, 180], [240, 135, 45]], np.uint8), np.ones((8, 8), np.uint8))


class Head(NamedTuple):
    """What is known of a JPEG or PNG without decoding it."""

    width: int  # after turning
    height: int
    orientation: int  # as OpenCV obeys EXIF, 1 to 8
    whole: bool  # whether the file ends as it should
    is_jpeg: bool


def read_head(path: Path) -> Head | None:
    """The head of an image file; None for another format, or if it says less than usual.

    Raises:
        OSError: if the file cannot be opened.
    """
    with path.open("rb") as file:
        start = file.read(8)
        kind = next((mark for mark in _END_MARKS if start.startswith(mark)), None)
        if kind is None:
            return None
        found = _jpeg_head(file) if kind == _JPEG else _png_head(file)
        if found is None or 0 in found[:2]:
            return None
        width, height, exif = found
        mark = _END_MARKS[kind]
        file.seek(-len(mark), 2)
        whole = file.read() == mark
    orientation = _obeyed(kind, exif) if exif else 1
    sides = (height, width) if orientation > 4 else (width, height)
    return Head(*sides, orientation, whole, kind == _JPEG)


def _jpeg_head(file: BinaryIO) -> tuple[int, int, bytes] | None:
    """Width, height and the first APP1 segment, where EXIF stands, of the segments before SOS."""
    size, exif = None, b""
    file.seek(2)
    while (mark := file.read(2))[:1] == b"\xff" and len(mark) == 2:
        if mark == b"\xff\xff":  # a fill byte
            file.seek(-1, 1)
            continue
        if mark == b"\xff\xda":
            break
        head = file.read(2)
        length = int.from_bytes(head, "big")  # of itself and the content
        if length < 2:  # damaged, or at its end before the pixels
            return None
        content = file.read(length - 2)
        if mark == b"\xff\xe1" and not exif:
            exif = mark + head + content
        if 0xC0 <= mark[1] <= 0xCF and mark[1] not in (0xC4, 0xC8, 0xCC):  # SOF
            size = int.from_bytes(content[3:5], "big"), int.from_bytes(content[1:3], "big")
    return (*size, exif) if size else None


def _png_head(file: BinaryIO) -> tuple[int, int, bytes] | None:
    """Width, height and the eXIf chunk, which may stand anywhere."""
    file.seek(8)
    size, exif = None, b""
    while len(head := file.read(8)) == 8:
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        if name in (b"IHDR", b"eXIf"):
            content = file.read(length + 4)
            if name == b"eXIf":
                exif = head + content
            else:
                size = int.from_bytes(content[:4], "big"), int.from_bytes(content[4:8], "big")
        else:
            file.seek(length + 4, 1)
    return (*size, exif) if size else None


def _obeyed(kind: bytes, exif: bytes) -> int:
    """The orientation that OpenCV obeys in a file with this segment or chunk."""
    ending, start = (".jpg", 2) if kind == _JPEG else (".png", _PNG_HEAD)
    tiny = cv2.imencode(ending, _PATTERN)[1].tobytes()
    seen = cv2.imdecode(np.frombuffer(tiny[:start] + exif + tiny[start:], np.uint8), 1)
    if seen is None:
        return 1
    seen = seen[..., 0].astype(int)
    fits = {o: turn(_PATTERN) for o, turn in _TURNS.items() if turn(_PATTERN).shape == seen.shape}
    return min(fits, key=lambda o: np.abs(fits[o] - seen).max())
