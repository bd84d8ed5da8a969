"""What the values of index masks stand for: the files that name them, in the forms of many tools.

- `classes.txt`, `labels.txt`: a line for each value, from 0 on, or with its number: `2 dog`.
- `class_names.txt`: the same, by labelme's labelme2voc.
- `labelmap.txt`: by CVAT and Datumaro, with colours.
- `_classes.csv`: by Roboflow, with the values.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ....errors import DataError
from ....files.text import read_text
from ...folders import read_list
from ..index_masks import VOC_CLASSES, read_index_mask, values_in
from .labelmap import Colour, read_labelmap

_NAME_FILES = ("classes.txt", "labels.txt", "class_names.txt", "labelmap.txt", "_classes.csv")
_LABELME_IGNORES = "__ignore__"  # labelme's line for the value -1, which its masks hold as 255
_NUMBERED = re.compile(r"(\d+)\s*[:,;=\s]\s*(\D.*)")


@dataclass(frozen=True)
class ClassNames:
    """The name of every value in the masks, and the value of every colour where masks have some."""

    names: dict[int, str]
    colours: dict[Colour, int] | None
    origin: str  # in words, for the user


def class_names(
    root: Path,
    places: Sequence[Path],
    first_mask: Path,
    given: Sequence[str] | None,
    voc_lists: bool,
) -> ClassNames:
    """What the masks' values stand for.

    A file in `places` goes before the names that are `given` in the order of the values, and these
    before VOC's, which `first_mask` has to fit.

    Raises:
        DataError: if the names are unknown (with the values in `first_mask`), contradict each
            other, or one stands twice.
    """
    files = [path for place in dict.fromkeys(places) for path in _name_files(place)]
    if files:
        found = [_read(path) for path in files]
        for path, other in zip(files, found, strict=True):
            if other.names != found[0].names:
                raise DataError(f"{path}: names other classes than {files[0]}; keep the right one")
        names = next((f for f in found if f.colours), found[0])
        if given is not None and list(given) != list(names.names.values()):
            raise DataError(
                f"{files[0]}: names the classes {', '.join(names.names.values())}; leave --classes "
                "out, or correct it"
            )
    elif given is not None:
        names = ClassNames(dict(enumerate(given)), None, "as given")
    elif voc_lists and _looks_like_voc(first_mask):
        names = ClassNames(dict(enumerate(VOC_CLASSES)), None, "Pascal VOC's")
    else:
        names = None
    if not names or not names.names:
        values = ", ".join(map(str, sorted(values_in(read_index_mask(first_mask)))))
        raise DataError(
            f"{root}: the class names are unknown; write them into {root / _NAME_FILES[0]}, a line "
            f"for each value from 0 on, or give --classes ({first_mask.name} holds {values})"
        )
    if len(set(names.names.values())) < len(names.names):
        raise DataError(f"{(files or ['--classes'])[0]}: a class is named twice; give each a name")
    return names


def _name_files(folder: Path) -> list[Path]:
    """The files of names in a folder, their own names in upper or lower case."""
    if not folder.is_dir():
        return []
    by_name = {p.name.lower(): p for p in sorted(folder.iterdir(), reverse=True) if p.is_file()}
    return [by_name[name] for name in _NAME_FILES if name in by_name]


def _read(path: Path) -> ClassNames:
    origin, kind = f"as {path.name} names them", path.name.lower()
    if kind == "labelmap.txt":
        names, colours = read_labelmap(path)
        return ClassNames(dict(enumerate(names)), colours, origin)
    if kind == "_classes.csv":
        return ClassNames(_read_csv(path), None, origin)
    lines = [line.strip() for line in read_text(path).rstrip().splitlines()]
    if "" in lines:
        raise DataError(
            f"{path}: line {lines.index('') + 1} is empty, which leaves the values of the classes "
            "behind it in doubt; give every value a line (void: ignored), or remove the line"
        )
    if lines[:1] == [_LABELME_IGNORES]:
        lines = lines[1:]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    if lines and all(numbered):  # the numbers say what the order only seems to say
        names = {int(match[1]): match[2] for match in numbered}
        if len(names) < len(lines):
            raise DataError(f"{path}: a number stands twice; give every value one line")
        return ClassNames(dict(sorted(names.items())), None, origin)
    return ClassNames(dict(enumerate(lines)), None, origin)


def _read_csv(path: Path) -> dict[int, str]:
    """Value and name of every row behind the heads."""
    try:
        rows = list(csv.reader(read_list(path), skipinitialspace=True))[1:]
    except csv.Error as error:
        raise DataError(f"{path}: no table of values and classes ({error}); correct it") from None
    found: dict[int, str] = {}
    for row in rows:
        if len(row) != 2 or not row[0].strip().isdecimal() or int(row[0]) in found:
            raise DataError(
                f"{path}: {', '.join(row)!r} is not a value and its class; correct the row"
            )
        found[int(row[0])] = row[1].strip()
    return dict(sorted(found.items()))


def _looks_like_voc(mask: Path) -> bool:
    """Whether a mask has VOC's palette and no value beyond VOC's.

    Grey masks in VOC's layout are mostly the user's own.
    """
    with Image.open(mask) as picture:
        palette = picture.getpalette() if picture.mode == "P" else None
    if not palette:
        return False
    values = values_in(read_index_mask(mask))
    return values <= set(range(len(VOC_CLASSES))) and all(
        palette[3 * v : 3 * v + 3] == _voc_colour(v) for v in values
    )


def _voc_colour(value: int) -> list[int]:
    """VOC's colour map: the bits of the value, three by three, are the channels' highest bits."""
    bits = [(value >> 3 * place & 7, 7 - place) for place in range(3)]
    return [sum((bit >> channel & 1) << shift for bit, shift in bits) for channel in range(3)]
