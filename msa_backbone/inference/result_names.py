"""How predict.py names its files: no two inputs write to the same one.

    OUT/predictions.json   what was found in all image files
    OUT/pictures/NAME      an image file, drawn
    OUT/masks/NAME.png     its semantic mask
    OUT/VIDEO.mp4          a video, drawn; its frames are called VIDEO_000000, VIDEO_000001, ...
    OUT/VIDEO.json         what was found in its frames

NAME is the image's path below the input that named it, suffix included. VIDEO is a video's path
without its suffix, as long as nothing else is called like that.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from ..errors import DataError
from ..files.images import IMAGE_SUFFIXES

PREDICTIONS = "predictions"


def picture_name(name: str) -> str:
    """The name of an image's drawn picture: `.png` is added to what cannot be written as it is."""
    return name if Path(name).suffix.lower() in IMAGE_SUFFIXES else f"{name}.png"


def video_names(names: Sequence[str]) -> list[str]:
    """A name for the results of every video; all are different, as the videos' own names are.

    >>> video_names(["clip.v1.mp4", "a.avi", "a.mp4"])
    ['clip.v1', 'a.avi', 'a.mp4']
    """
    without_suffix = [str(Path(name).with_suffix("")) for name in names]
    uses = Counter([*without_suffix, *names, PREDICTIONS])
    return [
        short if uses[short] == 1 else name
        for short, name in zip(without_suffix, names, strict=True)
    ]


def require_another_file(result: Path, sources: Collection[Path]) -> None:
    """Raise DataError if a result would replace one of the inputs, which are resolved paths."""
    if result.resolve() in sources:
        raise DataError(f"{result}: this input would be replaced by a result; choose another --out")
