"""Reading YOLO's label files: a text file for every image, a line for every object.

A line holds the number of the class and then fractions of the image's width and height: the centre,
width and height of a box, or the corners of a polygon. Four corners are a polygon as well, also
where a turned box was meant. Source: Ultralytics' description of its data sets.
"""

import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ....errors import DataError
from ....files.text import read_text
from ...found_files import spelling_key
from ..boxes.paths import child, split_of
from ..boxes.records import Records, size_or_none
from ..detection_annotations import Split

_ROUNDING = 0.01  # of the image, by which Ultralytics lets numbers pass its border, too
NOT_LABELS = ("classes.txt", "labels.txt", "predefined_classes.txt", "readme.txt")


@dataclass
class YoloReader:
    """Reads splits; what is to be said of all of them comes together in `notes`.

    Args:
        root: the user's folder.
        names: of the classes, in the order of their numbers.
        num_keypoints: how many numbers of a pose follow each box; they are left out.
    """

    root: Path
    names: Sequence[str]
    num_keypoints: int = 0
    counts: Counter = field(default_factory=Counter)  # of what a note is made
    taken: dict[Path, Path] = field(default_factory=dict)  # the image of every label file
    first: dict[str, object] = field(default_factory=dict)

    def read(self, images: Sequence[Path], source: Path) -> Split | None:
        """The split of these images, None if none has a label file; DataError with the line."""
        records = Records()
        labels = self._label_files(images)
        if not labels:
            return None
        for path in images:
            size, label = size_or_none(path), labels.get(path)
            name = os.path.relpath(path, self.root)
            image_id = records.add_image(name, *size, label or path)
            if label is None:
                self._count("images without a label file, taken as images without objects", path)
            elif size != (None, None):  # the checks report a broken image
                self._read_labels(label, records, image_id, size)
        return records.split(self.names, self.root, source)

    def notes(self) -> list[str]:
        return [f"{n} {what}, first {self.first[what]}" for what, n in self.counts.items()]

    def _count(self, what: str, place: object) -> None:
        self.counts[what] += 1
        self.first.setdefault(what, place)

    def _label_files(self, images: Sequence[Path]) -> dict[Path, Path]:
        """The label file of every image that has one."""
        of_image = {path: [label_folder(path.parent, self.root), path.parent] for path in images}
        texts: dict[Path, dict[str, list[Path]]] = {}
        for folder in {folder for folders in of_image.values() for folder in folders if folder}:
            texts[folder] = {}
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                if path.suffix.lower() == ".txt" and path.is_file():
                    texts[folder].setdefault(spelling_key(path.stem), []).append(path)
        found, stems = {}, {path.stem for path in images}
        for path, folders in of_image.items():
            files = [
                file
                for folder in dict.fromkeys(folders)
                if folder
                for file in texts[folder].get(spelling_key(path.stem), ())
                if file.stem == path.stem or file.stem not in stems
            ]
            files = [file for file in files if file.stem == path.stem] or files
            if len(files) > 1:
                raise DataError(f"{files[1]}: a second label file beside {files[0]}; remove one")
            if files:
                found[path] = files[0]
                if files[0].stem != path.stem:
                    self._count("labels spelled otherwise than their images", files[0])
                if self.taken.setdefault(files[0], path) != path:
                    raise DataError(
                        f"{files[0]}: labels of {self.taken[files[0]]} or of {path}? Remove or "
                        "rename one of the images"
                    )
        return found

    def _read_labels(self, path: Path, records: Records, image_id: int, size: tuple) -> None:
        for number, line in enumerate(read_text(path).splitlines(), start=1):
            if not line.strip():
                continue
            place = f"{path}: line {number}"
            with records.reading():
                label, values = self._numbers(line, place)
                if len(values) == 4:
                    x, y, width, height = values
                    box = [(x - width / 2) * size[0], (y - height / 2) * size[1]]
                    box += [width * size[0], height * size[1]]
                    records.add_object(image_id, label, place, box)
                else:
                    sides = size * (len(values) // 2)
                    polygon = [min(max(v, 0), 1) * n for v, n in zip(values, sides, strict=True)]
                    records.add_object(image_id, label, place, polygons=[polygon])

    def _numbers(self, line: str, place: str) -> tuple[str, list[float]]:
        """The class of a line, and the numbers of its box or polygon."""
        try:
            number, *values = map(float, line.split())
        except ValueError:
            raise DataError(f"{place}: {line[:80]!r} is not all numbers; correct it") from None
        if self.num_keypoints and len(values) == 4 + self.num_keypoints:
            values = values[:4]
            self._count("objects whose keypoints are left out", place)
        if len(values) == 5:
            raise DataError(
                f"{place}: 6 numbers, where a box has 5 (class, centre x and y, width, height); if "
                "the last is a prediction's confidence, remove it"
            )
        if len(values) != 4 and (len(values) < 6 or len(values) % 2):
            raise DataError(
                f"{place}: {len(values) + 1} numbers, where a box has 5 (class, centre x and y, "
                "width, height), a polygon a class and three pairs or more; correct the line"
            )
        if number not in range(len(self.names)):
            raise DataError(
                f"{place}: class {number:g}, but the {len(self.names)} classes are numbered from 0 "
                f"to {len(self.names) - 1}; correct it, or add the class's name"
            )
        for value in values:
            if not math.isfinite(value) or not -_ROUNDING <= value <= 1 + _ROUNDING:
                raise DataError(
                    f"{place}: {value:g} lies beyond 0 and 1, as fractions of the image's width "
                    "and height do not; divide by these, or correct the line"
                )
        return self.names[int(number)], values


def label_folder(image_folder: Path, root: Path) -> Path | None:
    """The folder of the labels: the last `images` of the path below `root` becomes `labels`.

    Where that is not there, it is the folder of the same split by another word (valid for val), or
    else the one around it.
    """
    parts = list(image_folder.relative_to(root).parts)
    for index in reversed(range(len(parts))):
        if parts[index].lower() == "images":
            labels = child(root.joinpath(*parts[:index]), "labels")
            folder = labels.joinpath(*parts[index + 1 :])
            return folder if folder.is_dir() or not labels.is_dir() else _nearest(folder, labels)
    return None


def _nearest(folder: Path, labels: Path) -> Path:
    """What there is instead of a folder below `labels` that is not there."""
    while folder != labels and not folder.is_dir():
        split, above = split_of([folder.name]), folder.parent
        beside = sorted(above.iterdir()) if split and above.is_dir() else ()
        alike = [path for path in beside if path.is_dir() and split_of([path.name]) == split]
        folder = alike[0] if len(alike) == 1 else above
    return folder


def unused_labels(images: Sequence[Path], root: Path) -> list[Path]:
    """Label files in the folders beside the images that no image has."""
    stems = {(label_folder(path.parent, root), spelling_key(path.stem)) for path in images}
    folders = {folder for folder, _ in stems if folder and folder.is_dir()}
    return [
        path
        for folder in sorted(folders)
        for path in sorted(folder.glob("*.txt"))
        if (folder, spelling_key(path.stem)) not in stems and path.name.lower() not in NOT_LABELS
    ]
