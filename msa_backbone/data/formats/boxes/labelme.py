"""Reading labelme's json files, one an image, which X-AnyLabeling and others write as well.

Points are in pixels. Rectangles become boxes; polygons, circles and painted masks become boxes with
a mask. Shapes of one label and one `group_id` are parts of one object. Where no file has two
ids, as with a tool's default of 0, they say nothing. Points and lines have no area and are left
out.
"""

import base64
import io
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PureWindowsPath

import msgspec
import numpy as np
from PIL import Image

from ....errors import DataError
from ....files.images import IMAGE_SUFFIXES
from ....files.text import read_bytes
from ...found_files import paths_below
from ..instance_masks import decode_mask, encode_mask
from .paths import ImageFinder, split_of
from .records import FoundBoxes, Records, blank_mask, box_around, size_or_none

LABELME_LAYOUT = """\
labelme  a json for every image, anywhere in ROOT; folders train, val and test are the splits"""

_MOST_PIXELS = 1e9  # of a side
_LINES = ("line", "linestrip", "point", "points")


class _Shape(msgspec.Struct):
    label: str | int | float
    points: list[tuple[float, float]]
    shape_type: str | None = "polygon"
    group_id: int | float | str | None = None
    mask: str | None = None


class _File(msgspec.Struct):  # the embedded image, imageData, is passed over
    shapes: list[_Shape]
    imagePath: str | None = None
    imageHeight: int | float | None = None
    imageWidth: int | float | None = None


def find_labelme(root: Path) -> FoundBoxes | None:
    """The data, if `root` holds labelme's; DataError for a json that cannot be understood."""
    jsons = paths_below(root, (".json",))
    files = [path for path in jsons if _is_labelme(path)]
    if not files:
        return None
    by_split: dict[str, list[Path]] = {}
    for path in files:
        by_split.setdefault(split_of(path.relative_to(root).parts[:-1]) or "", []).append(path)
    rest = by_split.pop("", [])
    notes = ["format labelme: found a json an image"]
    if by_split and rest:
        notes.append(f"not used: {len(rest)} jsons outside the folders of the splits")
    by_split = by_split or {"train": rest}
    if "train" not in by_split:
        raise DataError(f"{root / 'train'}: there is no train folder of jsons; add it")
    finder, left = ImageFinder(root), Counter()
    read = {split: Records() for split in by_split}
    decoded = {split: _decoded(paths, read[split]) for split, paths in by_split.items()}
    grouped = _has_groups(file for files in decoded.values() for file in files.values())
    for split, contents in decoded.items():
        _read(contents, read[split], finder, left, grouped is not False)
    names = tuple(sorted({label for records in read.values() for label in records.labels}))
    splits = {split: records.split(names, root, files[0].parent) for split, records in read.items()}
    notes += finder.notes()
    if others := sorted(set(jsons) - set(files)):
        notes.append(f"not used: {len(others)} jsons that are not labelme's, first {others[0]}")
    if astray := [
        path for files in decoded.values() for path, file in files.items() if _is_astray(path, file)
    ]:
        notes.append(
            f"jsons of an image's name whose imagePath is another image: {len(astray)}, first "
            f"{astray[0].relative_to(root)}"
        )
    if grouped is False:
        notes.append("no file has two values of group_id: every shape is taken as an object")
    notes += [f"left out: {number} shapes of type {kind}" for kind, number in left.items()]
    return FoundBoxes("labelme", names, "in sorted order", splits, tuple(notes))


def _is_labelme(path: Path) -> bool:
    """Whether a json has shapes; looked for as text, so that a broken file is known as well."""
    content = read_bytes(path)
    return b'"shapes"' in content and b'"imagePath"' in content


def _is_astray(path: Path, file: _File) -> bool:
    """Whether a json beside an image of its name belongs to another image."""
    stem = PureWindowsPath(file.imagePath or path).stem
    return stem != path.stem and any(path.with_suffix(end).is_file() for end in IMAGE_SUFFIXES)


def _decoded(files: Sequence[Path], records: Records) -> dict[Path, _File]:
    """The content of every file; what cannot be understood goes to `records.unread`."""
    decoded: dict[Path, _File] = {}
    for path in files:
        with records.reading():
            try:
                decoded[path] = msgspec.json.decode(read_bytes(path), type=_File)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise DataError(f"{path}: not a labelme json ({error}); export it again") from None
    return decoded


def _has_groups(files: Iterable[_File]) -> bool | None:
    """Whether any of several files has two values of group_id; None for less than two files."""
    groups = [
        {shape.group_id for shape in file.shapes if shape.shape_type not in _LINES}
        for file in files
    ]
    groups = [found for found in groups if found]
    if len(groups) < 2 or {None} in groups:
        return None
    return any(len(found) > 1 for found in groups)


def _read(
    contents: dict[Path, _File],
    records: Records,
    finder: ImageFinder,
    left: Counter,
    grouped: bool,
) -> None:
    """Add the files' images and objects; `grouped` says whether a group_id joins shapes."""
    taken: dict[str, Path] = {}
    for path, content in contents.items():
        with records.reading():
            stem = path.with_suffix(".jpg").name
            name = finder.find(content.imagePath or stem, path.parent, path)
            if taken.setdefault(name, path) != path:
                raise DataError(f"{path}: a second json of {name} beside {taken[name]}; remove one")
            size = _whole(content.imageWidth), _whole(content.imageHeight)
            if not all(size):
                size = size_or_none(finder.root / name)
            image_id = records.add_image(name, *size, path)
            groups: dict[object, list[tuple[str, _Shape]]] = {}
            for number, shape in enumerate(content.shapes):
                if shape.shape_type in _LINES:
                    left[shape.shape_type] += 1
                    continue
                group = shape.group_id if grouped and shape.group_id is not None else (number,)
                key = (str(shape.label), group)
                groups.setdefault(key, []).append((f"{path}: shape {number}", shape))
            for (label, _), shapes in groups.items():
                with records.reading():
                    parts = [_part(shape, place) for place, shape in shapes]
                    _add(records, image_id, label, shapes[0][0], parts, size)


def _whole(side: object) -> object:
    whole = isinstance(side, float) and side.is_integer() and abs(side) < _MOST_PIXELS
    return int(side) if whole else side


def _add(
    records: Records, image_id: int, label: str, place: str, parts: Sequence, size: tuple
) -> None:
    """Add an object of parts: corners of boxes, polygons, and masks with their left top corner."""
    label = " ".join(label.split())
    if not label:
        raise DataError(f"{place}: has no label; add it")
    kinds = {kind for kind, _ in parts}
    outlines = [outline for _, outline in parts]
    if kinds == {"box"}:
        records.add_object(image_id, label, place, box=box_around(outlines))
    elif "mask" not in kinds:
        records.add_object(
            image_id, label, place, polygons=[_closed(outline) for outline in outlines]
        )
    elif size != (None, None):
        width, height = size
        whole = blank_mask(width, height, place)
        for kind, outline in parts:
            if kind == "mask":
                (left, top), mask = outline
                rows, columns = whole[top:, left:].shape
                whole[top:, left:][: mask.shape[0], : mask.shape[1]] |= mask[:rows, :columns]
            else:
                whole |= decode_mask([_closed(outline)], height, width)
        records.add_mask(image_id, label, place, encode_mask(whole), whole)


def _closed(outline: list[float]) -> list[float]:
    """The outline as a polygon: two corners are those of a rectangle."""
    if len(outline) != 4:
        return outline
    left, top, right, bottom = outline
    return [left, top, right, top, right, bottom, left, bottom]


def _part(shape: _Shape, place: str) -> tuple[str, object]:
    """What a shape is, 'box', 'polygon' or 'mask', and its points [x, y, ...] or its pixels."""
    points = [float(value) for point in shape.points for value in point]
    if not all(map(math.isfinite, points)):
        raise DataError(f"{place}: has points that are no finite numbers; correct it")
    kind, number = shape.shape_type or "polygon", len(shape.points)
    if kind == "mask" and shape.mask and number:
        return "mask", ((max(round(points[0]), 0), max(round(points[1]), 0)), _pixels(shape, place))
    if kind == "rectangle" and number in (2, 4):
        return "box", points
    if kind == "circle" and number == 2:
        return "polygon", _circle(*points)
    if kind in ("polygon", "rotation", "oriented_rectangle", "quadrilateral") and number >= 3:
        return "polygon", points
    raise DataError(
        f"{place}: is a {kind!r} of {number} points, which is not understood; correct or remove it"
    )


def _circle(x: float, y: float, edge_x: float, edge_y: float) -> list[float]:
    """A polygon of 64 corners for the circle around (x, y) through a point of its edge."""
    radius = math.hypot(edge_x - x, edge_y - y)
    angles = 2 * np.pi * np.arange(64) / 64
    return (
        (np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1)).ravel().tolist()
    )


def _pixels(shape: _Shape, place: str) -> np.ndarray:
    """The mask of a painted shape, (H, W) bool, from the PNG that the json holds."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(shape.mask))) as picture:
            return np.asarray(picture.convert("L")) > 0
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{place}: unreadable mask ({error}); export it again") from None
