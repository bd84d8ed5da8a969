"""Objects of detection data as classification data: a square picture of each."""

import math
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import DataError
from ...files.images import read_image
from ...files.whole_files import complete_folder, safe_names
from ..detection.check import check_detection_data
from ..detection.find import find_detection_data
from ..folders import require_outside
from ..formats.detection_annotations import Split, clipped
from .patches import cut_square

Box = list[float]  # left, top, width, height in pixels


def make_crops(
    root: str | os.PathLike,
    out: str | os.PathLike,
    size: int = 64,
    context: float = 1.0,
    min_side: float = 8,
    max_per_class: int | None = None,
    classes: Sequence[str] | None = None,
    seed: int = 0,
) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    """Write OUT/SPLIT/CLASS/IMAGE_k.png: a square around every object, by split and class.

    Args:
        root: boxes or instances, in a layout of `LAYOUTS`; crowds are left out.
        out: the folder to make; it appears when it is complete.
        size: of the square that is written, in pixels.
        context: side of the square that is cut out, in lengths of the box's longer side; beyond the
            image's border it is reflected.
        min_side: objects whose longer side has fewer pixels are left out.
        max_per_class: so many objects of each class in each split, drawn by `seed`.
        classes: the classes to keep.
        seed: which objects are drawn.

    Returns:
        How many pictures there are, by split and class, and how many objects were left out, by
        split and reason.

    Raises:
        DataError: if `root` holds no such data or spoilt data, if no training object is left, or
            if `out` is there already or lies inside `root`.
        ValueError: for a size that is not positive.
    """
    for name, value in (("size", size), ("context", context), ("max_per_class", max_per_class)):
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{name}={value}: give more than 0")
    require_outside(Path(out), Path(root))
    data = find_detection_data(root, classes)
    check_detection_data(data, 0)
    folders = dict(zip(data.classes, safe_names(data.classes), strict=True))
    counts: dict[str, Counter[str]] = {}
    left_out: dict[str, Counter[str]] = {}
    with complete_folder(Path(out)) as part:
        for split_name, split in data.splits.items():
            objects, left_out[split_name] = _objects(split, data.classes, min_side)
            kept = _draw(objects, max_per_class, np.random.default_rng(seed))
            if beyond := len(objects) - len(kept):
                left_out[split_name][f"beyond {max_per_class} of a class"] = beyond
            counts[split_name] = Counter(name for name, _, _ in kept)
            if split_name == "train" and not kept:
                raise DataError(f"{data.root}: no training object is as large as {min_side:g}")
            boxes = defaultdict(list)
            for name, image_id, box in kept:
                boxes[image_id].append((part / split_name / folders[name], box))
            images = split.content["images"]
            stems = safe_names(os.path.splitext(image["file_name"])[0] for image in images)
            for image, stem in zip(images, stems, strict=True):
                if image["id"] in boxes:
                    path = split.image_dir / image["file_name"]
                    _cut(path, boxes[image["id"]], stem, size, context)
    return counts, left_out


def _objects(
    split: Split, classes: Sequence[str], min_side: float
) -> tuple[list[tuple[str, object, Box]], Counter[str]]:
    """Class, image id and box, as training clips it, of every object; why others are left out."""
    names = {c["id"]: c["name"] for c in split.content["categories"] if c["name"] in classes}
    sizes = {image["id"]: (image["width"], image["height"]) for image in split.content["images"]}
    objects, left_out = [], Counter()
    for record in split.content["annotations"]:
        if record["category_id"] not in names:
            continue
        box = clipped(record["bbox"], *sizes[record["image_id"]])
        if record["iscrowd"]:
            left_out["crowd"] += 1
        elif max(box[2:]) < min_side or min(box[2:]) <= 0:
            left_out[f"smaller than {min_side:g} pixels or without area"] += 1
        else:
            objects.append((names[record["category_id"]], record["image_id"], box))
    return objects, left_out


def _draw(objects: list[tuple], most: int | None, random: np.random.Generator) -> list[tuple]:
    """At most so many objects of every class, in their order."""
    by_class = defaultdict(list)
    for index, (name, _, _) in enumerate(objects):
        by_class[name].append(index)
    chosen: list[int] = []
    for _, indices in sorted(by_class.items()):
        if most is not None and len(indices) > most:
            indices = random.choice(indices, most, replace=False).tolist()
        chosen += indices
    return [objects[index] for index in sorted(chosen)]


def _cut(
    path: Path, boxes: Sequence[tuple[Path, Box]], stem: str, size: int, context: float
) -> None:
    """Write the pictures of one image's objects, a folder and a box for each."""
    image = read_image(path)
    for number, (folder, (left, top, width, height)) in enumerate(boxes):
        side = max(1, round(context * max(width, height)))
        square = cut_square(image, round(top + height / 2), round(left + width / 2), side)
        resampling = Image.Resampling.BOX if side > size else Image.Resampling.BILINEAR
        folder.mkdir(parents=True, exist_ok=True)
        crop = Image.fromarray(square).resize((size, size), resampling)
        crop.save(folder / f"{stem}_{number}.png")
