"""Building the records of a split in COCO's form, while a file of another format is read."""

import os
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ....errors import DataError
from ....files.images import image_size, is_within_limits
from ..detection_annotations import Split


@dataclass(frozen=True)
class FoundBoxes:
    """What a reader has found in a folder: every object of every class, nothing chosen yet."""

    format: str  # its name
    names: tuple[str, ...]  # of the classes, in the format's order
    order: str  # in which order that is, for the user
    splits: dict[str, Split]
    notes: tuple[str, ...]
    unlabelled: dict[str, Path] = field(default_factory=dict)  # as in DetectionData


@dataclass
class Records:
    """Images and objects of a split as they are read; `split` gives them in COCO's form."""

    images: list[dict] = field(default_factory=list)
    annotations: list[dict] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)  # the class of every annotation
    unread: list[str] = field(default_factory=list)  # as in Split

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A block that reads one record; its DataError goes to `unread`, not to the caller."""
        try:
            yield
        except DataError as error:
            self.unread.append(str(error))

    def add_image(self, file_name: str, width: object, height: object, found_at: object) -> int:
        """Add an image, and give its id."""
        number = len(self.images) + 1
        image = {"id": number, "file_name": file_name, "width": width, "height": height}
        self.images.append({**image, "found_at": str(found_at)})
        return number

    def add_object(
        self,
        image_id: int,
        label: str,
        found_at: object,
        box: list | None = None,
        polygons: list[list[float]] | None = None,
    ) -> None:
        """Add an object with a box (left, top, width, height), polygons, or both.

        Without a box it gets the one around its polygons. The area is the polygons', or the box's.
        Labels whose accents are written in two ways (NFC, NFD) are one.
        """
        area = sum(map(polygon_area, polygons or ()))
        record = {"id": len(self.annotations) + 1, "image_id": image_id, "bbox": box}
        if polygons:
            record["segmentation"] = polygons
            record["bbox"] = box or box_around(polygons)
        if not area:
            area = record["bbox"][2] * record["bbox"][3]
        self.annotations.append({**record, "area": area, "iscrowd": 0, "found_at": str(found_at)})
        self.labels.append(unicodedata.normalize("NFC", label))

    def add_mask(
        self, image_id: int, label: str, found_at: object, code: dict, mask: np.ndarray
    ) -> None:
        """Add an object with a mask (H, W), given as run-length code too; its box is the mask's."""
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        if not len(rows):
            raise DataError(f"{found_at}: has a mask without a pixel; correct or remove it")
        left, top = int(columns[0]), int(rows[0])
        box = [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]
        self.add_object(image_id, label, found_at, box)
        self.annotations[-1] |= {"segmentation": code, "area": int(mask.sum())}

    def split(self, names: Sequence[str], root: Path, source: Path) -> Split:
        """The split; its categories are `names`, numbered from 1.

        The images have been added by their paths below `root`. If they lie in one folder, that
        becomes the split's folder of images.
        """
        folders = {os.path.dirname(image["file_name"]) for image in self.images}
        shared = folders.pop() if len(folders) == 1 else ""
        starts = len(shared) + 1 if shared else 0
        images = [{**image, "file_name": image["file_name"][starts:]} for image in self.images]
        ids = {name: number for number, name in enumerate(names, start=1)}
        pairs = zip(self.annotations, self.labels, strict=True)
        annotations = [{**record, "category_id": ids[label]} for record, label in pairs]
        categories = [{"id": number, "name": name} for name, number in ids.items()]
        content = {"images": images, "categories": categories, "annotations": annotations}
        return Split(content, root / shared, None, source, tuple(self.unread))


def blank_mask(width: object, height: object, place: object) -> np.ndarray:
    """A mask (H, W) of False to draw into; DataError for sides that no readable image has."""
    are_sides = all(type(side) is int and side > 0 for side in (width, height))
    if not are_sides or not is_within_limits(width, height):
        raise DataError(
            f"{place}: a mask in {width} x {height} pixels, which no readable image has; correct "
            "the size"
        )
    return np.zeros((height, width), bool)


def side_of(text: object) -> int | None:
    """The width or height that an attribute or a cell states; None for anything else."""
    is_side = isinstance(text, str) and text.isdecimal() and len(text) < 10
    return int(text) if is_side else None


def box_around(polygons: Sequence[Sequence[float]]) -> list[float]:
    """Left, top, width and height around polygons [x, y, x, y, ...]."""
    left, top = (min(min(polygon[axis::2]) for polygon in polygons) for axis in (0, 1))
    right, bottom = (max(max(polygon[axis::2]) for polygon in polygons) for axis in (0, 1))
    return [left, top, right - left, bottom - top]


def polygon_area(polygon: Sequence[float]) -> float:
    """The area inside a polygon [x, y, x, y, ...] that does not cross itself."""
    x, y = np.asarray(polygon, float).reshape(-1, 2).T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def size_or_none(path: Path) -> tuple[int, int] | tuple[None, None]:
    """The size of an image file; nothing for a missing or broken one, which the checks report."""
    try:
        return image_size(path)
    except DataError:
        return None, None
