"""Writing detection data as YOLO: images/SPLIT/, labels/SPLIT/ and data.yaml, as Ultralytics reads.

A line of a label file is a box, or one polygon where the object has a mask. Crowds have no place
there. A box beside a polygon has none either: readers take the one around the polygon.
"""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from ....errors import DataError
from ....files.images import IMAGE_SUFFIXES
from ....files.whole_files import place_file, write_whole
from ...image_counter import ImageCounter, Progress
from ..boxes.records import box_around
from ..coco import segmentation_of
from ..detection_annotations import DetectionData, annotations_by_image, clipped
from ..instance_masks import require_sound_mask
from ..written_images import existing_image, name_inside, take_name
from .traced_polygons import one_polygon


def write_yolo_data(
    data: DetectionData, folder: Path, images: str = "link", progress: Progress | None = None
) -> list[str]:
    """Write images/SPLIT/, labels/SPLIT/ and data.yaml.

    An image whose objects do not all have masks gets boxes, as a label file may not mix them. An
    image in a subfolder gets the folder into its name.

    Args:
        data, folder, progress: as in `write_coco_data`.
        images: 'link' or 'copy'.

    Returns:
        What had to be left behind, a line each.

    Raises:
        DataError: if an image is missing, of a format that YOLO does not know, or listed twice.
    """
    if images == "list":
        raise ValueError("YOLO has its images in images/: choose link or copy")
    counter = ImageCounter(data.num_images, progress)
    numbers = {name: number for number, name in enumerate(data.classes)}
    left: Counter[str] = Counter()
    for split_name, split in data.splits.items():
        labels = {category["id"]: category["name"] for category in split.content["categories"]}
        records = annotations_by_image(split.content)
        taken: dict[str, Path] = {}
        placed: set[Path] = set()
        for image in split.content["images"]:
            source = existing_image(split, image)
            if source in placed:
                raise DataError(
                    f"{source}: has two entries, and YOLO one label file for an image; join them "
                    "(tools/check_data.py --fix) or write COCO"
                )
            placed.add(source)
            if not image["width"] or not image["height"]:
                raise DataError(f"{source}: its size is not known; replace the file")
            objects = [
                r for r in records.get(image["id"], ()) if labels[r["category_id"]] in numbers
            ]
            for record in objects:
                require_sound_mask(split, image, record)
            file_name = _file_name(taken, name_inside(split, image), source)
            place_file(source, folder / "images" / split_name / file_name, images == "link")
            lines = _lines(image, objects, left)
            numbered = [f"{numbers[labels[r['category_id']]]} {line}" for r, line in lines]
            stem = os.path.splitext(file_name)[0]
            label_file = folder / "labels" / split_name / f"{stem}.txt"
            label_file.parent.mkdir(parents=True, exist_ok=True)
            label_file.write_text("".join(f"{line}\n" for line in numbered), encoding="utf-8")
            counter.step()
    content = {name: f"images/{name}" for name in data.splits}
    content |= {"names": dict(enumerate(data.classes))}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    write_whole(folder / "data.yaml", text)
    return [f"{number} {what}" for what, number in left.items() if number]


def _file_name(taken: dict[str, Path], name: str, source: Path) -> str:
    """The image's name in its split; a label belongs to a name without ending, so it is taken."""
    stem, suffix = os.path.splitext(name.replace("/", "_"))
    if suffix.lower() not in IMAGE_SUFFIXES:
        known = ", ".join(IMAGE_SUFFIXES)
        raise DataError(f"{source}: YOLO images end in {known}; convert the image")
    if stem in taken:  # a.jpg and a.png
        stem = f"{stem}_{suffix[1:]}"
    take_name(taken, stem, source)
    return f"{stem}{suffix}"


def _lines(image: dict, objects: Sequence[dict], left: Counter[str]) -> list[tuple[dict, str]]:
    """The objects that YOLO holds, each with the numbers of its line; the others are counted."""
    size = image["width"], image["height"]
    kept = [record for record in objects if not record["iscrowd"]]
    left["crowds left out"] += len(objects) - len(kept)
    outlines = [segmentation_of(record) for record in kept]
    masked = all(outlines)
    if not masked:
        left["masks left out, as another object of the image has none"] += sum(map(bool, outlines))
    lines = []
    for record, outline in zip(kept, outlines, strict=True):
        numbers = one_polygon(outline, *size) if masked else clipped(record["bbox"], *size)
        if numbers is None or (not masked and min(numbers[2:]) < 0):
            left["objects left out, of which nothing lies in the image"] += 1
            continue
        if masked:
            numbers = [min(max(n, 0), size[i % 2]) for i, n in enumerate(numbers)]
        box = box_around([numbers]) if masked else numbers
        moved = np.abs(np.subtract(box, record["bbox"])).max() > 0.01
        what = "become those around their masks" if masked else "are clipped to their image"
        left[f"boxes {what}"] += bool(moved)
        if not masked:
            numbers = [box[0] + box[2] / 2, box[1] + box[3] / 2, *box[2:]]
        lines.append((record, _fractions(numbers, size)))
    return lines


def _fractions(numbers: Sequence[float], size: tuple[int, int]) -> str:
    """Pixels x, y, x, y, ... as text of fractions, to a millionth of a pixel and better."""
    sides = np.resize(size, len(numbers))
    return " ".join(f"{value:.10g}" for value in np.asarray(numbers, float) / sides)
