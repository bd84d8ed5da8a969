"""Where pictures to predict on come from: files, folders, patterns, videos and cameras."""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data.found_files import paths_below
from ..data.modalities.names import of_reference
from ..errors import DataError
from ..files.images import IMAGE_SUFFIXES
from ..files.modality import Modality

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")


@dataclass(frozen=True)
class ImageFile:
    """An image file; `name` is its path below what named it, for results to be filed under."""

    path: Path
    name: str


@dataclass(frozen=True)
class Stream:
    """A video file, or a camera by its number; `name` as of an image, or 'camera0'."""

    source: str | int
    name: str


def find_sources(
    inputs: Sequence[str], out: Path | None = None, modalities: Sequence[Modality] = ()
) -> tuple[list[ImageFile], list[Stream]]:
    """Images and streams that the inputs name.

    Args:
        inputs: image or video files, folders (searched at any depth), patterns with * or ?, or the
            numbers of cameras.
        out: where results go; those of an earlier run, inside a folder, are no inputs.
        modalities: of several cameras, the reference first: inside a folder, only the reference's
            files are inputs.

    Raises:
        DataError: for an input that names nothing, or two files with the same name.
    """
    found: dict[str, ImageFile | Stream] = {}
    for text in inputs:
        for source in _sources_of(text, out, modalities):
            if found.setdefault(source.name, source) != source:
                path = source.path if isinstance(source, ImageFile) else source.source
                raise DataError(
                    f"{path}: another input is called {source.name} too; predict them apart"
                )
    images = [source for source in found.values() if isinstance(source, ImageFile)]
    return images, [source for source in found.values() if isinstance(source, Stream)]


def _sources_of(
    text: str, out: Path | None, modalities: Sequence[Modality]
) -> Iterator[ImageFile | Stream]:
    """What one input names, by its files' paths."""
    path = Path(text)
    if text.isdigit() and not path.exists():
        yield Stream(int(text), f"camera{text}")
        return
    if path.is_dir():
        missing = "holds no image and no video"
        known = (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES)
        results = _results_in(path.resolve(), out.resolve()) if out else []
        matches = [
            file
            for file in paths_below(path, known)
            if not any(map(file.resolve().is_relative_to, results))
        ]
        matches = of_reference(matches, path, modalities)
    else:
        missing = "no such file, folder or pattern of files"
        matches = [path] if path.is_file() else map(Path, glob.glob(text, recursive=True))
    files = sorted(file for file in matches if file.is_file())
    if not files:
        raise DataError(f"{text}: {missing}")
    for file in files:
        name = str(file.relative_to(path)) if path.is_dir() else file.name
        is_video = file.suffix.lower() in VIDEO_SUFFIXES
        yield Stream(str(file), name) if is_video else ImageFile(file, name)


def _results_in(folder: Path, out: Path) -> list[Path]:
    """Folders of results inside a folder that is searched; none where it is one of them itself."""
    if folder in out.parents:
        return [out]
    return [out / "pictures", out / "masks"] if folder == out else []
