"""Reading CVAT's own xml for images: one file, with boxes, polygons, ellipses and painted masks.

Numbers are pixels. A turned box becomes a polygon. Points, lines, skeletons and tags are left out.
"""

from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from ....errors import DataError
from ..derived.xml_text import read_xml
from ..instance_masks import encode_mask
from .paths import ImageFinder, child, split_of
from .records import FoundBoxes, Records, blank_mask, side_of

CVAT_LAYOUT = """\
CVAT  annotations.xml of an export "for images" in ROOT, the images anywhere in ROOT"""

_ELLIPSE_CORNERS = 64


def find_cvat(root: Path) -> FoundBoxes | None:
    """The data, if `root` holds annotations.xml; DataError for one that cannot be understood."""
    path = child(root, "annotations.xml")
    if not path.is_file():
        return None
    tree = read_xml(path)
    if tree.tag != "annotations":
        return None
    if tree.find("track") is not None:
        raise DataError(f"{path}: is CVAT's xml of a video; export the task as 'CVAT for images'")
    finder, left = ImageFinder(root), Counter()
    read: dict[str, Records] = {}
    for number, item in enumerate(tree.iterfind("image")):
        place = f"{path}: image {item.get('name') or number}"
        split = split_of([item.get("subset") or ""]) or "train"
        records = read.setdefault(split, Records())
        with records.reading():
            size = side_of(item.get("width")), side_of(item.get("height"))
            if None in size:
                raise DataError(f"{place}: has no width and height; export it again")
            name = finder.find(item.get("name") or "", root, path)
            image_id = records.add_image(name, *size, place)
            for index, shape in enumerate(item):
                if shape.tag in ("box", "polygon", "ellipse", "mask"):
                    with records.reading():
                        _add(records, image_id, shape, size, f"{place}: {shape.tag} {index}")
                else:
                    left[shape.tag] += 1
    if "train" not in read:
        raise DataError(f"{path}: has no images of a train subset; add them")
    unlabelled: dict[str, Path] = {}
    notes = [f"format cvat: found {path.name}", *finder.notes()]
    for split in [split for split in read if split != "train"]:
        if not read[split].annotations and not read[split].unread:
            aside = f"{split} left aside: no object in its {len(read.pop(split).images)} images"
            notes.append(aside)
            unlabelled[split] = path
    notes += [f"left out: {number} shapes of type {kind}" for kind, number in left.items()]
    names = tuple(sorted({label for records in read.values() for label in records.labels}))
    splits = {split: records.split(names, root, path) for split, records in read.items()}
    return FoundBoxes("cvat", names, "in sorted order", splits, tuple(notes), unlabelled)


def _add(
    records: Records, image_id: int, shape: Element, size: tuple[int, int], place: str
) -> None:
    """Add the object of a shape; raises DataError."""
    label = " ".join((shape.get("label") or "").split())
    if not label:
        raise DataError(f"{place}: has no label; add it")
    try:
        box, polygons, mask = _outline(shape, size, place)
    except DataError:
        raise
    except (TypeError, ValueError):
        raise DataError(f"{place}: its numbers are no shape; export it again") from None
    if mask is not None:
        records.add_mask(image_id, label, place, encode_mask(mask), mask)
    else:
        records.add_object(image_id, label, place, box, polygons)


def _outline(
    shape: Element, size: tuple[int, int], place: str
) -> tuple[list | None, list | None, np.ndarray | None]:
    """A shape's box, polygons or mask; TypeError or ValueError for numbers that are not there."""
    turn = float(shape.get("rotation") or 0)
    if shape.tag == "mask":
        return None, None, _pixels(shape, size, place)
    if shape.tag == "box":
        left, top, right, bottom = (float(shape.get(k)) for k in ("xtl", "ytl", "xbr", "ybr"))
        if not turn:
            return [left, top, right - left, bottom - top], None, None
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    elif shape.tag == "ellipse":
        x, y, across, down = (float(shape.get(k)) for k in ("cx", "cy", "rx", "ry"))
        angles = 2 * np.pi * np.arange(_ELLIPSE_CORNERS) / _ELLIPSE_CORNERS
        corners = np.stack([x + across * np.cos(angles), y + down * np.sin(angles)], 1)
    else:
        pairs = [pair.split(",") for pair in (shape.get("points") or "").split(";")]
        corners = np.array(pairs, float)
    if corners.ndim != 2 or len(corners) < 3 or not np.isfinite(corners).all():
        raise ValueError("a polygon has three corners or more")
    return None, [_turned(corners, turn).ravel().tolist()], None


def _turned(corners: np.ndarray, degrees: float) -> np.ndarray:
    """The corners (N, 2) turned clockwise, as seen, around the middle of their box."""
    if not degrees:
        return corners
    middle = (corners.min(0) + corners.max(0)) / 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (corners - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle


def _pixels(shape: Element, size: tuple[int, int], place: str) -> np.ndarray:
    """The mask (H, W) of run lengths, row by row inside a box, the first of zeros."""
    left, top, width, height = (int(shape.get(k)) for k in ("left", "top", "width", "height"))
    runs = [int(text) for text in shape.get("rle", "").split(",")]
    if sum(runs) != width * height or min(runs) < 0 or min(left, top) < 0:
        raise ValueError("the run lengths do not fill the box")
    inside = blank_mask(width, height, place)
    inside.flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    mask = blank_mask(*size, place)
    rows, columns = mask[top:, left:].shape
    mask[top : top + height, left : left + width] = inside[:rows, :columns]
    return mask
