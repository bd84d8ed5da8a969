"""Choose a subset of detection data: by number of images, classes and sizes of objects."""

import hashlib
import math
import os
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from ...errors import DataError
from ...files.markdown import markdown_table
from ..detection.check import check_detection_data
from ..detection.classes import count_notes
from ..folders import require_outside
from ..formats.detection_annotations import DetectionData, Split, with_images
from .sampling import AREA_LIMITS, Distance, distance, representative_images

STAMP = "subset.json"
_RANDOM_DRAWS = 10


@dataclass(frozen=True)
class SplitReport:
    """What a subset has of a split's images and objects, and how far it is from the split."""

    images: int
    all_images: int
    objects: int
    all_objects: int
    distance: Distance
    random: float  # mean class distance of random draws of as many images
    short: dict[str, int]  # how many objects classes have that have fewer than asked for


def choose_subset(
    data: DetectionData,
    fraction: float | None = None,
    number: int | None = None,
    whole: Collection[str] = (),
    min_objects: int = 1,
    area: tuple[float, float] = (0, math.inf),
    seed: int = 0,
) -> tuple[DetectionData, dict[str, SplitReport]]:
    """Choose images whose classes and sizes are distributed as in all; see `sampling`.

    Objects of other classes than `data.classes` or of another area are left out, and so are the
    images that lose all of theirs; they count as not being there, as does a split that loses all
    images. The notes of the subset have the warnings of the check. The choice depends on the
    images' names, their annotations and `seed`, not on the order of anything.

    Args:
        data: what to choose from; its annotations are checked, its images are not read.
        fraction: of the images of every split, above 0 and up to 1.
        number: of training images, in place of `fraction`; other splits shrink alike.
        whole: splits that are kept whole.
        min_objects: of every class that is in two or more images, as far as there are.
        area: of the objects to keep, in square pixels: from the first up to below the second.
        seed: same seed, same subset.

    Raises:
        DataError: for annotations that check_detection_data refuses.
        ValueError: for options that do not fit together or the data.
    """
    if (fraction is None) == (number is None):
        raise ValueError("give either a fraction or a number of images")
    if fraction is not None and not 0 < fraction <= 1:
        raise ValueError(f"fraction {fraction}: give more than 0 and at most 1")
    if number is not None and "train" in whole:
        raise ValueError(
            "a number counts training images, and train is kept whole: give a fraction"
        )
    if unknown := set(whole) - data.splits.keys():
        raise ValueError(f"there is no split {unknown.pop()}: choose from {', '.join(data.splits)}")
    if not area[0] < area[1]:
        raise ValueError(f"area {area[0]:g} to {area[1]:g}: give the smaller limit first")
    if seed < 0 or min_objects < 0:
        raise ValueError(f"seed {seed}, min_objects {min_objects}: give 0 or more")
    notes = check_detection_data(data, read_images=False)
    filtered = {name: _filtered(split, data.classes, area) for name, split in data.splits.items()}
    kept = {name: split for name, split in filtered.items() if split.content["images"]}
    if "train" not in kept:
        source = data.splits["train"].source
        raise DataError(f"{source}: no train image has an object of these classes and areas")
    notes += [f"{n}: left out, no image has an object" for n in filtered if n not in kept]
    if number is not None:
        images = len(kept["train"].content["images"])
        if not 1 <= number <= images:
            raise ValueError(f"number {number}: train has {images} images to choose from")
        fraction = number / images
    chosen, reports = {}, {}
    for name, split in kept.items():
        share = 1 if name in whole else fraction
        chosen[name], reports[name] = _reduced(split, data.classes, share, min_objects, seed)
    notes += count_notes(chosen, data.classes)
    return replace(data, splits=chosen, notes=tuple(notes)), reports


def describe(reports: dict[str, SplitReport]) -> str:
    """The reports as a Markdown table, and a line for every split with too few objects."""
    head = ["split", "images", "objects", "class distance (random draw)", "size distance"]
    rows, lines = [], []
    for name, report in reports.items():
        images = f"{report.images} of {report.all_images}"
        objects = f"{report.objects} of {report.all_objects}"
        classes = f"{report.distance.classes:.4f} ({report.random:.4f})"
        rows.append([name, images, objects, classes, f"{report.distance.sizes:.4f}"])
        if report.short:
            few = ", ".join(f"{label} {has}" for label, has in report.short.items())
            lines.append(f"{name} has fewer objects than asked for: {few}")
    return "\n".join([markdown_table(head, rows), *lines])


def stamp(data: DetectionData, options: dict) -> bytes:
    """What a subset is made of: the options, and the annotations that were read."""
    read = {}
    for name, split in data.splits.items():
        if data.format == "coco":
            state = split.source.stat()
            read[name] = [str(split.source), state.st_size, state.st_mtime_ns]
        else:
            content = msgspec.json.encode(split.content)
            read[name] = [str(split.source), hashlib.sha256(content).hexdigest()]
    return msgspec.json.encode({"version": 1, "options": options, "read": read})


def is_made(out: Path, mark: bytes, root: Path) -> bool:
    """Whether `out` was made with the same `stamp`.

    Raises:
        DataError: if it is something else, or inside the data `root`.
    """
    require_outside(out, root)
    if not os.path.lexists(out):
        return False
    path = out / STAMP
    if path.is_file() and path.read_bytes() == mark:
        return True
    raise DataError(
        f"{out}: is there already, of other data or made with other options; remove it or choose "
        "another folder"
    )


def object_counts(content: dict, classes: Collection[str]) -> np.ndarray:
    """How many small, medium and large objects of every class an image has; crowds do not count.

    Returns:
        (images, classes, 3), in the order of the content's images and of `classes`.
    """
    rows = {image["id"]: row for row, image in enumerate(content["images"])}
    columns = {name: column for column, name in enumerate(classes)}
    column_of = {c["id"]: columns.get(c["name"]) for c in content["categories"]}
    counts = np.zeros((len(rows), len(columns), len(AREA_LIMITS) + 1), np.int32)
    for record in content["annotations"]:
        column = column_of[record["category_id"]]
        if column is not None and not record["iscrowd"]:
            size = bisect_right(AREA_LIMITS, record["area"])
            counts[rows[record["image_id"]], column, size] += 1
    return counts


def _filtered(split: Split, classes: Collection[str], area: tuple[float, float]) -> Split:
    """The split without the objects that are not wanted and the images left empty by that."""
    content = split.content
    categories = [c for c in content["categories"] if c["name"] in classes]
    ids = {category["id"] for category in categories}
    annotations = [
        record
        for record in content["annotations"]
        if record["category_id"] in ids and area[0] <= record["area"] < area[1]
    ]
    emptied = {record["image_id"] for record in content["annotations"]}
    emptied -= {record["image_id"] for record in annotations}
    images = [image for image in content["images"] if image["id"] not in emptied]
    records = {"images": images, "categories": categories, "annotations": annotations}
    return replace(split, content={**content, **records}, ann_file=None)


def _reduced(
    split: Split, classes: Collection[str], fraction: float, min_objects: int, seed: int
) -> tuple[Split, SplitReport]:
    content = split.content
    images = sorted(content["images"], key=lambda image: (image["file_name"], str(image["id"])))
    classes = sorted(classes)
    counts = object_counts({**content, "images": images}, classes)
    number = max(1, round(fraction * len(images)))
    chosen = representative_images(counts, number, seed, min_objects)
    ids = {images[index]["id"] for index in chosen}
    generator = np.random.default_rng(seed)
    draws = [generator.permutation(len(images))[:number] for _ in range(_RANDOM_DRAWS)]
    objects = counts[chosen].sum(axis=(0, 2))
    wanted = np.minimum(min_objects, counts.sum(axis=(0, 2)))
    report = SplitReport(
        images=number,
        all_images=len(images),
        objects=int(objects.sum()),
        all_objects=int(counts.sum()),
        distance=distance(counts, chosen),
        random=float(np.mean([distance(counts, draw).classes for draw in draws])),
        short={
            name: int(has)
            for name, has, need in zip(classes, objects, wanted, strict=True)
            if has < need
        },
    )
    return with_images(split, [i for i in content["images"] if i["id"] in ids]), report
