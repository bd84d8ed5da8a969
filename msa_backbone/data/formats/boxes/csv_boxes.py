"""Reading boxes from CSV tables, a row a box.

Four kinds are common: TensorFlow's and Roboflow's, with the columns filename, class, xmin, ymin,
xmax, ymax and perhaps width, height; Open Images', with ImageID, LabelName and fractions of the
image; and keras-retinanet's, without a header: path, x1, y1, x2, y2, class, an empty row for an
image without objects. Vertex AI's (AutoML) has no header either: split, path, class and fractions.
Open Images' IsGroupOf means what COCO calls a crowd.
"""

import csv
import io
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ....errors import DataError
from ....files.images import IMAGE_SUFFIXES
from ....files.text import read_text
from ...found_files import paths_below
from ...split_names import split_in_name
from ...splits import SPLIT_OF
from .paths import ImageFinder, path_parts, split_of
from .records import FoundBoxes, Records, side_of, size_or_none

CSV_LAYOUT = """\
CSV   *.csv with a row a box: filename, class, xmin, ymin, xmax, ymax (Roboflow, TensorFlow),
      ImageID, LabelName, XMin, ... (Open Images) or path,x1,y1,x2,y2,class without a header; its
      path, its name or a column split says train, val or test; the images beside it or anywhere in
      ROOT"""

_COLUMNS = {  # what is read, and how tables may call it
    "image": ("filename", "file_name", "image", "image_id", "imageid", "image_name", "path"),
    "label": ("class", "label", "labelname", "class_name", "name"),
    "left": ("xmin", "x_min", "x1"),
    "top": ("ymin", "y_min", "y1"),
    "right": ("xmax", "x_max", "x2"),
    "bottom": ("ymax", "y_max", "y2"),
}
_SPLIT_COLUMNS = ("split", "set", "subset", "dataset")
_YES_OR_NO = {"0", "1", "false", "true", "no", "yes"}
_HEADERLESS = ("image", "left", "top", "right", "bottom", "label")
_DESCRIPTIONS = re.compile("class.*descriptions")
_AUTO_ML = {"image": 1, "label": 2, "left": 3, "top": 4, "right": 7, "bottom": 8}  # 0 is the split
_MOST_OF_IMAGE = 1.1
_EDGES = ("left", "top", "right", "bottom")


def find_csv(root: Path) -> FoundBoxes | None:
    """The data, if `root` holds tables of boxes; DataError with the row that is wrong."""
    tables: dict[str, _Table] = {}
    others: list[str] = []  # tables of other things
    for path in paths_below(root, (".csv", ".tsv")):
        rows = _rows(path, read_text(path, errors="replace"))
        columns = _columns(rows)
        if columns is None:
            others.append(os.path.relpath(path, root))
            continue
        rows = _rows(path, read_text(path))
        if not any(rows[0]):
            raise DataError(f"{path}: line 1 is empty; remove it")
        for split, numbers in _by_split(path, root, rows, columns).items():
            if split in tables:
                raise DataError(
                    f"{path}: a second {split} table beside {tables[split].path}; move one away"
                )
            tables[split] = _Table(path, columns, rows, numbers)
    if not tables:
        return None
    if "train" not in tables:
        beside = ", ".join(str(table.path) for table in tables.values())
        raise DataError(f"{root}: there is no train table beside {beside}; add it")
    finder, left_aside, unlabelled = ImageFinder(root), [], {}
    read = {}
    for split, table in tables.items():
        finder.split = split if len(tables) > 1 else None
        read[split] = _read(table, finder)
    for split in [split for split, records in read.items() if split != "train"]:
        if not read[split].annotations and not read[split].unread:
            left_aside.append(f"{split} left aside: {tables[split].path} has no boxes")
            unlabelled[split] = tables[split].path
            del read[split]
    long_names = _long_names(root)
    for records in read.values():
        records.labels = [long_names.get(label, label) for label in records.labels]
    names = tuple(sorted({label for records in read.values() for label in records.labels}))
    splits = {split: rows.split(names, root, tables[split].path) for split, rows in read.items()}
    found = dict.fromkeys(os.path.relpath(table.path, root) for table in tables.values())
    notes = [f"format csv: found {', '.join(found)}", *(f"not used: {name}" for name in others)]
    groups = sum(record["iscrowd"] for records in read.values() for record in records.annotations)
    if groups:
        notes.append(f"groups in one box (IsGroupOf), which become crowds: {groups}")
    notes = (*notes, *left_aside, *finder.notes())
    return FoundBoxes("csv", names, "in sorted order", splits, notes, unlabelled)


class _Table(NamedTuple):
    """The rows of a file that belong to one split."""

    path: Path
    columns: dict[str, int]
    rows: list[list[str]]
    numbers: list[int]  # of the rows to read, the first of the file is 0


def _by_split(
    path: Path, root: Path, rows: Sequence[Sequence[str]], columns: dict[str, int]
) -> dict[str, list[int]]:
    """The numbers of the rows of every split: as a column says, or else the file's path."""
    header = not rows[0][columns["image"]].lower().endswith(IMAGE_SUFFIXES)
    numbers = [number for number in range(header, len(rows)) if any(rows[number])]
    heads = [cell.lower() for cell in rows[0]] if header else []
    places = [heads.index(word) for word in _SPLIT_COLUMNS if word in heads]
    others = set(range(len(rows[0]))) - {*columns.values(), *places}
    for at in sorted(others):
        words = {"".join(rows[number][at : at + 1]).lower() for number in numbers}
        if words <= SPLIT_OF.keys() and len({SPLIT_OF[word] for word in words}) > 1:
            places.append(at)
        elif header and len(words) > 1 and words <= _YES_OR_NO and split_in_name(rows[0][at]):
            raise DataError(
                f"{path}: column {rows[0][at]} seems to share the images out; write a column "
                "'split' with train, val and test"
            )
    for at in [0] if columns is _AUTO_ML else places:
        words = {number: "".join(rows[number][at : at + 1]).lower() for number in numbers}
        if not SPLIT_OF.keys() & words.values():
            continue  # a set of another kind
        found: dict[str, list[int]] = {}
        for number, word in words.items():
            if word not in SPLIT_OF:
                column = rows[0][at] if header else at
                raise DataError(
                    f"{path}: line {number + 1}: {word!r} in column {column} is no split; write "
                    "train, val or test"
                )
            found.setdefault(SPLIT_OF[word], []).append(number)
        return found
    return {split_of(path.relative_to(root).with_suffix("").parts) or "train": numbers}


def _rows(path: Path, text: str) -> list[list[str]]:
    head = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise DataError(f"{path}: not a valid CSV table ({error}); export it again") from None
    return [[cell.strip() for cell in row] for row in rows]


def _columns(rows: Sequence[Sequence[str]]) -> dict[str, int] | None:
    """The column of everything that is read; None for a table of other things."""
    head = [cell.lower() for cell in next(filter(any, rows), ())]
    if not head:
        return None
    found = {
        what: head.index(name)
        for what, names in _COLUMNS.items()
        for name in reversed(names)
        if name in head
    }
    if found.keys() == _COLUMNS.keys():
        return found
    if len(head) >= 9 and head[0] in SPLIT_OF and head[1].endswith(IMAGE_SUFFIXES):
        return _AUTO_ML
    is_image = head[0].endswith(IMAGE_SUFFIXES)
    return {what: i for i, what in enumerate(_HEADERLESS)} if is_image and len(head) == 6 else None


def _read(table: _Table, finder: ImageFinder) -> Records:
    path, columns = table.path, table.columns
    head = [cell.lower() for cell in table.rows[0]]
    sides = [head.index(side) for side in ("width", "height") if side in head]
    group = head.index("isgroupof") if "isgroupof" in head else None
    records = Records()
    by_image: dict[str, list[_Row]] = {}
    for number in table.numbers:
        with records.reading():
            row = _row(table.rows[number], columns, sides, group, f"{path}: line {number + 1}")
            by_image.setdefault(row.image, []).append(row)
    boxes = [row.edges for found in by_image.values() for row in found if row.edges]
    # Boxes of a pixel or less in every row are fractions of the image, if rounded beyond its edge.
    fractions = bool(boxes) and all(max(edges) <= _MOST_OF_IMAGE for edges in boxes)
    for name, found in by_image.items():
        with records.reading():
            file = finder.find(name, path.parent)
            size = size_or_none(finder.root / file)
            image_id = records.add_image(file, *(found[0].size or size), path)
            for row in found:
                edges = row.edges
                if edges and (size != (None, None) or not fractions):
                    width, height = size if fractions else (1, 1)
                    left, top = edges[0] * width, edges[1] * height
                    box = [left, top, edges[2] * width - left, edges[3] * height - top]
                    records.add_object(image_id, row.label, row.place, box)
                    records.annotations[-1]["iscrowd"] = int(row.group)
    return records


class _Row(NamedTuple):
    image: str
    label: str
    edges: list[float] | None  # left, top, right, bottom; None where an image has no object
    size: tuple[int, int] | None  # of the image, as stated
    group: bool  # whether the box holds several objects, as one
    place: str


def _row(
    cells: Sequence[str],
    columns: dict[str, int],
    sides: Sequence[int],
    group: int | None,
    place: str,
) -> _Row:
    """What a row says; `sides` and `group` are columns, where there are such."""
    if len(cells) <= max(columns.values()):
        raise DataError(f"{place}: has {len(cells)} cells, too few; correct or remove it")
    name, label = cells[columns["image"]], " ".join(cells[columns["label"]].split())
    if not path_parts(name):
        raise DataError(f"{place}: names no image; correct or remove it")
    stated = [side_of(cells[side]) for side in sides if side < len(cells)]
    size = tuple(stated) if len(stated) == 2 and None not in stated else None
    texts = [cells[columns[edge]] for edge in _EDGES]
    if not any(texts) and not label:
        return _Row(name, label, None, size, False, place)
    try:
        edges = [float(text) for text in texts]
    except ValueError:
        edges = [math.nan]
    if not all(map(math.isfinite, edges)) or not label:
        raise DataError(f"{place}: is no class with four numbers; correct or remove it")
    is_group = group is not None and cells[group : group + 1] == ["1"]
    return _Row(name, label, edges, size, is_group, place)


def _long_names(root: Path) -> dict[str, str]:
    """Open Images' names by their codes: /m/01g317 is Person."""
    files = [p for p in paths_below(root, (".csv",)) if _DESCRIPTIONS.search(p.name.lower())]
    rows = (row for path in files for row in _rows(path, read_text(path)) if len(row) == 2)
    return {code: name for code, name in rows if code.startswith("/m/")}
