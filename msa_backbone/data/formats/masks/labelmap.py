"""CVAT's and Datumaro's labelmap.txt: the name and the colour of every class.

A line is `name:R,G,B:parts:actions`. Index masks count the lines from 0 on.
"""

from pathlib import Path

from ....errors import DataError
from ...folders import read_list

Colour = tuple[int, int, int]


def read_labelmap(path: Path) -> tuple[tuple[str, ...], dict[Colour, int] | None]:
    """The names, and the value of every colour; None if a class has no colour.

    Raises:
        DataError: for a line of another form, or a colour that stands for two classes.
    """
    names, colours = [], {}
    for line in read_list(path):
        if line.startswith("#"):
            continue
        name, *rest = line.rsplit(":", 3) if line.count(":") > 2 else line.split(":")
        channels = rest[0].split(",") if rest and rest[0].strip() else []
        if not name.strip() or (channels and not _is_colour(channels)):
            raise DataError(f"{path}: {line!r} is not name:R,G,B:parts:actions; correct the line")
        if channels:
            colour = tuple(map(int, channels))
            if colours.setdefault(colour, len(names)) != len(names):
                both = f"{names[colours[colour]]} and {name}"
                raise DataError(f"{path}: {both} have the colour {rest[0]}; give each another")
        names.append(name.strip())
    return tuple(names), colours if len(colours) == len(names) else None


def _is_colour(channels: list[str]) -> bool:
    return len(channels) == 3 and all(c.strip().isdecimal() and int(c) < 256 for c in channels)
