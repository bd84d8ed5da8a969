"""Frames out of a video or a camera, and into a video file; all are RGB, (H, W, 3) uint8."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from ..errors import DataError
from .sources import Stream


@contextmanager
def open_stream(stream: Stream) -> Iterator[cv2.VideoCapture]:
    """OpenCV's capture of a stream; DataError if it cannot be opened."""
    capture = cv2.VideoCapture(stream.source)
    try:
        if not capture.isOpened():
            what = "camera" if isinstance(stream.source, int) else "video"
            raise DataError(f"{stream.source}: no {what} that OpenCV can open")
        yield capture
    finally:
        capture.release()


def frames_of(capture: cv2.VideoCapture) -> Iterator[np.ndarray]:
    """A capture's frames, each read when it is asked for."""
    while True:
        read, frame = capture.read()
        if not read:
            return
        yield np.ascontiguousarray(frame[..., ::-1])


class VideoFile:
    """An MPEG-4 file; it appears with the first frame, whose size is that of all.

    OpenCV drops frames of another size. Words below a picture take more lines or fewer, so what is
    higher or wider is cut, and what is smaller ends in white.

    Args:
        file: ends in .mp4.
        rate: frames a second.
    """

    def __init__(self, file: Path, rate: float) -> None:
        self.file, self.rate = file, rate
        self.writer = cv2.VideoWriter()

    def write(self, frame: np.ndarray) -> None:
        """Add a frame; DataError if the file cannot be written."""
        if not self.writer.isOpened():
            self.file.parent.mkdir(parents=True, exist_ok=True)
            codec, (height, width) = cv2.VideoWriter_fourcc(*"mp4v"), frame.shape[:2]
            if not self.writer.open(str(self.file), codec, self.rate, (width, height)):
                raise DataError(f"{self.file}: OpenCV cannot write this video")
            self._page = np.full((height, width, 3), 255, np.uint8)
        page = self._page.copy()
        height, width = np.minimum(frame.shape[:2], page.shape[:2])
        page[:height, :width] = frame[:height, :width, ::-1]
        self.writer.write(page)

    def close(self) -> None:
        """Complete the file; without a frame there is none."""
        self.writer.release()
