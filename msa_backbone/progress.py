"""Telling how far a long task is, and how long it takes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mmengine.utils import ProgressBar

LONG_CHECK = 500  # images from which on checking takes long enough to show its progress


def format_time(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


@contextmanager
def show_progress() -> Iterator[Callable[[int, int], None]]:
    """A bar for what takes long: called with the steps done and their total."""
    bars: list[ProgressBar] = []
    shown = 0

    def progress(done: int, total: int) -> None:
        nonlocal shown
        if total <= LONG_CHECK:
            return
        if done == 1:
            bars.append(ProgressBar(total))
            shown = 0
        if done - shown >= total / 100 or done == total:  # a log file gets 100 states, no more
            bars[-1].update(done - shown)
            shown = done
        if done == total:
            print()

    yield progress
