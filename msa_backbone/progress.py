"""Telling how far a long task is, and how long it takes."""

from collections.abc import Callable
from dataclasses import dataclass

LONG_CHECK = 500  # images from which on checking takes long enough to show its progress


@dataclass(frozen=True)
class Step:
    """One of many things is done.

    Attributes:
        line: what was done, in words.
        done: the number of steps until now, this one included.
        total: the number of all; None where nobody knows.
        failed: whether it went wrong; the line says why.
    """

    line: str
    done: int
    total: int | None = None
    failed: bool = False

    def describe(self, seconds: float) -> str:
        """'[3/8] LINE; 0:01:40 left'.

        Args:
            seconds: that the steps until now took.
        """
        if self.total is None:
            return f"[{self.done}] {self.line}"
        left = seconds / self.done * (self.total - self.done)
        return f"[{self.done}/{self.total}] {self.line}; {format_time(left)} left"


def format_time(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def progress_bar() -> Callable[[int, int], None]:
    """A bar for what takes long, as a function to call with the steps done and their total.

    Few steps are not shown. A count that begins anew gets a bar of its own.
    """
    bar = None
    shown = 0

    def progress(done: int, total: int) -> None:
        nonlocal bar, shown
        if total <= LONG_CHECK:
            return
        from mmengine.utils import ProgressBar  # exported files run without it

        if done == 1:
            bar, shown = ProgressBar(total), 0
        if done - shown >= total / 100 or done == total:  # a log file gets 100 states, no more
            bar.update(done - shown)
            shown = done
        if done == total:
            print()

    return progress
