"""What a tool shows on the console, and what only its log file gets.

mmengine writes the same lines to both: pages of environment, config and hooks, a line for every
parameter's learning rate. What libraries print and warn of comes between them. Here the console
keeps what is no library's: progress, scores, what the user's own code says; and errors. All else is
a remark for the log file.
"""

import io
import logging
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from logging.handlers import MemoryHandler
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]

TOLD = re.compile(
    "resumed epoch|The model and loaded state dict|The best checkpoint|LR is set|the monitored"
)
"""How lines of mmengine begin that one wants to see."""

_remarks = logging.getLogger("msa_backbone.remarks")  # what libraries print and warn of
_waiting = MemoryHandler(10**6, flushLevel=logging.CRITICAL + 1)  # until there is a log file


def of_a_library(file: str) -> bool:
    """Whether code stands where packages are installed, but is not this package's."""
    installed = {"site-packages", "dist-packages"} & set(Path(file).parts)
    return bool(installed) and not Path(file).is_relative_to(PACKAGE)


def write_remarks_to(handler: logging.Handler) -> None:
    """What has waited goes there now, and what comes later at once."""
    _waiting.setTarget(handler)
    _waiting.flush()
    _waiting.capacity = 1


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Inside the block, what libraries warn of and print goes to the log file of a run.

    If the block fails before there is one, that is shown on stderr: it may be the explanation.
    """
    show, capacity = warnings.showwarning, _waiting.capacity

    def show_own(message, category, filename, *place) -> None:
        if of_a_library(filename):
            _remarks.warning(f"{filename}: {category.__name__}: {message}")
        else:
            show(message, category, filename, *place)

    _remarks.setLevel(logging.INFO)
    _remarks.propagate = False
    _remarks.addHandler(_waiting)
    warnings.showwarning = show_own
    try:
        yield
    except Exception:
        if _waiting.target is None:
            write_remarks_to(logging.StreamHandler())
        raise
    finally:
        warnings.showwarning = show
        _remarks.removeHandler(_waiting)
        _waiting.setTarget(None)
        _waiting.buffer.clear()
        _waiting.capacity = capacity


class _Sorted(io.TextIOBase):
    """A console that gives libraries' lines to the log."""

    def __init__(self, console: io.TextIOBase) -> None:
        self.console = console
        self.begun = ""

    @property
    def encoding(self) -> str:
        return self.console.encoding

    def isatty(self) -> bool:
        return self.console.isatty()

    def flush(self) -> None:
        self.console.flush()

    def write(self, text: str) -> int:
        if not of_a_library(sys._getframe(1).f_code.co_filename):
            return self.console.write(text)
        *lines, self.begun = (self.begun + text).split("\n")
        for line in filter(str.strip, lines):
            _remarks.info(line)
        return len(text)


@contextmanager
def sorted_prints() -> Iterator[None]:
    """Inside the block, what libraries print is a remark for the log file."""
    with redirect_stdout(_Sorted(sys.stdout)):
        yield


class ForPeople(logging.Filter):
    """Lets through what is no library's, errors, and what one wants to see of mmengine."""

    def filter(self, record: logging.LogRecord) -> bool:
        return (
            record.levelno >= logging.ERROR
            or not of_a_library(record.pathname)
            or bool(TOLD.match(record.getMessage()))
        )
