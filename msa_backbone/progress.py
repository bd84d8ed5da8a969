"""Telling how far a long task is, and how long it takes."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

PATIENCE = 2.0  # seconds between two lines on how far it is


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


def progress_line() -> Callable[[int, int], None]:
    """A line on how far it is, as a function to call with the steps done and their total.

    What takes no longer than `PATIENCE` shows nothing. On a terminal a line is written over the one
    before. A count that begins anew gets lines of its own.
    """
    start = shown = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal start, shown
        now = time.monotonic()
        if done == 1:
            start = shown = now
        ends = done == total and shown > start
        if now - shown < PATIENCE and not ends:
            return
        shown = now
        left = format_time((now - start) / (done - 1) * (total - done))
        over = sys.stdout.isatty() and done < total
        print(f"[{done}/{total}] {left} left", end="\r" if over else "\n", flush=True)

    return progress
