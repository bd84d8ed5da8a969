"""Folders and files that are there as a whole or not at all; file names; files placed twice.

A program can be killed while it writes. What it was writing has another name until it is complete.
"""

import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from ..errors import DataError

# What Windows has in no name, and what breaks the lines of a list or is no text.
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff<>:"/\\|?*]')
_DEVICES = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)  # Windows'


def require_absent(out: Path) -> None:
    """Raise DataError if there is anything of this name."""
    if os.path.lexists(out):
        raise DataError(f"{out}: is there already; remove it or choose another folder")


@contextmanager
def complete_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, which appears as `out` when the block has ended well.

    Raises:
        DataError: if `out` is there already, at the start or in the end.
    """
    require_absent(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(out)
    part = out.with_name(f".{out.name}.part-{os.getpid()}")
    part.mkdir()
    try:
        yield part
        require_absent(out)
        part.rename(out)
    except DataError as error:  # what was read again is named as it will be called
        raise DataError(str(error).replace(str(part), str(out))) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def safe_names(names: Iterable[str]) -> list[str]:
    """A file name for every name, all different, also where upper and lower case are the same.

    Accents are written as letters of their own (NFC) where there are such.

    >>> safe_names(["cat", "a/b", "a_b", ".."])
    ['cat', 'a_b', 'a_b-2', '_']
    """
    found: dict[str, str] = {}
    for name in names:
        stem = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", name))[-60:]
        stem = re.sub(r"^[\s.]+|[\s.]+$", "", stem) or "_"
        stem = safe = _DEVICES.sub(r"\1_", stem)
        number = 1
        while safe.casefold() in found:
            number += 1
            safe = f"{stem}-{number}"
        found[safe.casefold()] = safe
    return list(found.values())


def write_whole(file: Path, content: str | bytes) -> None:
    """Write a file: whoever reads it, at any moment, finds the old content or the new one.

    The content goes into a file beside it, named `FILE.*.part` as no other process names its own,
    and takes the place of `file` when it is on the disk. Text becomes UTF-8. Missing folders are
    made.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{token_hex(4)}.part")
    try:
        with part.open("xb") as opened:
            opened.write(content.encode() if isinstance(content, str) else content)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(file)
    except BaseException:  # a full disk, Ctrl-C
        part.unlink(missing_ok=True)
        raise


def place_file(source: Path, target: Path, link: bool = True) -> None:
    """Give a file a second place: as a hard link, or as a copy where that is not possible."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(source.resolve(), target)
            return
        except FileExistsError:
            return
        except OSError:  # another file system, or one without hard links
            pass
    shutil.copyfile(source, target)


def _remove_leftovers(out: Path) -> None:
    """Remove what processes that were killed have left, not what living ones are filling."""
    if os.name == "nt":  # signal 0 is no question there
        return
    for part in out.parent.glob(f".{out.name}.part-*"):
        pid = part.name.rpartition("-")[2]
        try:
            if int(pid) != os.getpid():
                os.kill(int(pid), 0)
                continue
            shutil.rmtree(part)  # in a container, every run may have the same pid
        except ProcessLookupError:
            shutil.rmtree(part, ignore_errors=True)
        except (ValueError, OSError):
            continue
