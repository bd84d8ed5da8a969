"""Folders that appear complete, and images that get a second place."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def complete_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, which appears as `out` when the block has ended well."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
    part.mkdir()
    try:
        yield part
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def place_file(source: Path, target: Path, link: bool = True) -> None:
    """Give a file a second place: as a hard link, or as a copy where that is not possible."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(source.resolve(), target)
            return
        except FileExistsError:  # listed twice
            return
        except OSError:  # another file system, or one without hard links
            pass
    shutil.copyfile(source, target)
