"""Where pictures to predict on come from: files, folders, patterns, videos and cameras."""

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import DataError
from ..files.images import IMAGE_SUFFIXES

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")


@dataclass(frozen=True)
class ImageFile:
    """An image file; `name` is its path below what named it, for results to be filed under."""

    path: Path
    name: str


@dataclass(frozen=True)
class Stream:
    """A video file, or a camera by its number."""

    source: str | int
    name: str


def find_sources(inputs: Sequence[str]) -> tuple[list[ImageFile], list[Stream]]:
    """Images and streams that the inputs name.

    Args:
        inputs: image or video files, folders (searched at any depth), patterns with * or ?, or the
            numbers of cameras.

    Raises:
        DataError: for an input that names nothing, or results that would have the same name.
    """
    images: dict[str, ImageFile] = {}
    streams: dict[str, Stream] = {}

    def add(path: Path, name: str) -> None:
        is_video = path.suffix.lower() in VIDEO_SUFFIXES
        found, entry = (
            (streams, Stream(str(path), name)) if is_video else (images, ImageFile(path, name))
        )
        if name in found and found[name] != entry:
            raise DataError(f"{path}: another input is called {name} too; predict them apart")
        found[name] = entry

    for text in inputs:
        path = Path(text)
        if text.isdigit() and not path.exists():
            streams[f"camera{text}"] = Stream(int(text), f"camera{text}")
        elif path.is_dir():
            known = (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES)
            files = sorted(f for f in path.rglob("*") if f.suffix.lower() in known and f.is_file())
            if not files:
                raise DataError(f"{path}: holds no image and no video")
            for file in files:
                add(file, str(file.relative_to(path)))
        elif path.is_file():
            add(path, path.name)
        else:
            files = sorted(Path(match) for match in glob.glob(text, recursive=True))
            files = [file for file in files if file.is_file()]
            if not files:
                raise DataError(f"{text}: no such file, folder or pattern of files")
            for file in files:
                add(file, file.name)
    return list(images.values()), list(streams.values())


@contextmanager
def open_stream(stream: Stream) -> Iterator[cv2.VideoCapture]:
    """OpenCV's capture of a stream.

    Raises:
        DataError: if it cannot be opened.
    """
    capture = cv2.VideoCapture(stream.source)
    try:
        if not capture.isOpened():
            what = "camera" if isinstance(stream.source, int) else "video"
            raise DataError(f"{stream.source}: no {what} that OpenCV can open")
        yield capture
    finally:
        capture.release()


def frames_of(capture: cv2.VideoCapture, most: int | None = None) -> Iterator[np.ndarray]:
    """A capture's frames as RGB, (H, W, 3) uint8, at most so many."""
    count = 0
    while most is None or count < most:
        read, frame = capture.read()
        if not read:
            return
        yield np.ascontiguousarray(frame[..., ::-1])
        count += 1
