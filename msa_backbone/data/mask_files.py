"""Index masks as files: their values and colours, and what the values are called."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .annotations import IMAGE_ERRORS, DataError

IGNORE_INDEX = 255
IGNORED_NAMES = ("void", "ignore", "ignored", "unlabelled", "unlabeled")
VOC_CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair"),
    *("cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
_NAME_FILES = ("classes.txt", "labels.txt", "class_names.txt")  # the last is labelme's


def class_names(
    root: Path, first_mask: Path, given: Sequence[str] | None, voc: bool
) -> tuple[tuple[str, ...], str]:
    """The classes' names in the order of the masks' values, and where they are from."""
    path = next((root / name for name in _NAME_FILES if (root / name).is_file()), None)
    if path:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        names = tuple(line.strip() for line in lines if line.strip())
        origin = f"as {path.name} names them"
        if given is not None and tuple(given) != names:
            raise DataError(
                f"{path}: names the classes {', '.join(names)}; leave --classes out, or correct it"
            )
    elif given is not None:
        names, origin = tuple(given), "as given"
    elif voc:
        names, origin = VOC_CLASSES, "Pascal VOC's"
    else:
        names, origin = (), ""
    if not names:
        values = ", ".join(map(str, sorted(mask_values(first_mask)[1])))
        raise DataError(
            f"{root}: the class names are unknown; write them into {root / _NAME_FILES[0]}, a line "
            f"for each value from 0 on, or give --classes ({first_mask.name} holds {values})"
        )
    if len(set(names)) < len(names):
        raise DataError(f"{path or '--classes'}: a class is named twice; give each a name")
    return names, origin


def mask_values(path: Path) -> tuple[tuple[int, int], set[int]]:
    """Width and height of an index mask, and the values it holds, `IGNORE_INDEX` left out.

    Raises:
        DataError: if it cannot be read, or is in colours.
    """
    try:
        with Image.open(path) as picture:
            if picture.mode not in ("L", "P", "1", "I;16", "I"):
                raise DataError(
                    f"{path}: is a picture in colours ({picture.mode}), not an index mask; save "
                    "the number of its class in every pixel, as 8-bit grey or palette PNG"
                )
            values = np.asarray(picture)
            size = picture.size
    except DataError:
        raise
    except IMAGE_ERRORS as error:
        raise DataError(f"{path}: unreadable mask ({error}); replace the file") from None
    return size, set(np.unique(values).tolist()) - {IGNORE_INDEX}


def mask_palette(mask: Path, classes: int) -> tuple[tuple[int, int, int], ...] | None:
    """The colours of a palette mask, if it has a different one for every class."""
    with Image.open(mask) as picture:
        flat = picture.getpalette() if picture.mode == "P" else None
    colours = [tuple(flat[3 * i : 3 * i + 3]) for i in range(classes)] if flat else []
    return tuple(colours) if len(set(colours)) == classes and len(colours[-1]) == 3 else None
