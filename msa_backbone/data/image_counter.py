"""Counting images while they are read, checked or written."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called after every image with the number of images done and of all."""


class ImageCounter:
    """Counts images up to a total, and tells `progress` of each."""

    def __init__(self, total: int, progress: Progress | None = None) -> None:
        self.done, self.total, self.progress = 0, total, progress

    def step(self) -> None:
        """Another image is done."""
        self.done += 1
        if self.progress:
            self.progress(self.done, self.total)
