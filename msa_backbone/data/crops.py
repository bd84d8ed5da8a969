"""Objects of detection data as classification data: a square picture of each."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .files import complete_folder
from .layouts import find_detection_data
from .patches import cut_square


def make_crops(
    root: str | os.PathLike,
    out: str | os.PathLike,
    size: int = 64,
    context: float = 1.0,
    min_side: float = 8,
    max_per_class: int | None = None,
    classes: Sequence[str] | None = None,
    seed: int = 0,
) -> dict[str, Counter[str]]:
    """Write OUT/SPLIT/CLASS/IMAGE_k.png: a square around every object, by split and class.

    Args:
        root: COCO or VOC data, in a layout of `LAYOUTS`; crowds are left out.
        out: the folder to make; it appears when it is complete.
        size: of the square that is written, in pixels.
        context: side of the square that is cut out, in lengths of the box's longer side; beyond the
            image's border it is reflected.
        min_side: objects whose longer side has fewer pixels are left out.
        max_per_class: so many objects of each class in each split, drawn by `seed`.
        classes: the classes to keep.
        seed: which objects are drawn.

    Returns:
        How many pictures there are, by split and class.

    Raises:
        DataError: if `root` holds no such data, or `out` is there already.
        ValueError: for a size that is not positive.
    """
    for name, value in (("size", size), ("context", context), ("max_per_class", max_per_class)):
        if value is not None and value <= 0:
            raise ValueError(f"{name}={value}: give more than 0")
    data = find_detection_data(root, classes)
    counts: dict[str, Counter[str]] = {}
    with complete_folder(Path(out)) as part:
        for split, own in data.splits.items():
            categories = own.content["categories"]
            names = {c["id"]: c["name"] for c in categories if c["name"] in data.classes}
            objects = [
                (names[a["category_id"]], a["image_id"], a["bbox"])
                for a in own.content["annotations"]
                if a["category_id"] in names
                and not a.get("iscrowd")
                and max(a["bbox"][2:]) >= min_side
            ]
            kept = _draw(objects, max_per_class, np.random.default_rng(seed))
            counts[split] = Counter(name for name, _, _ in kept)
            for record in own.content["images"]:
                boxes = [(name, box) for name, image, box in kept if image == record["id"]]
                if boxes:
                    _cut(own.image_dir / record["file_name"], boxes, part / split, size, context)
    return counts


def _draw(objects: list[tuple], most: int | None, random: np.random.Generator) -> list[tuple]:
    """At most so many objects of every class, in their order."""
    chosen: set[int] = set()
    for name in sorted({name for name, _, _ in objects}):
        own = [index for index, (its_name, _, _) in enumerate(objects) if its_name == name]
        if most is not None and len(own) > most:
            own = random.choice(own, most, replace=False).tolist()
        chosen.update(own)
    return [objects[index] for index in sorted(chosen)]


def _cut(path: Path, boxes: Sequence[tuple], folder: Path, size: int, context: float) -> None:
    """Write the pictures of one image's objects, (class, COCO box) each."""
    with Image.open(path) as picture:
        image = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    for number, (name, (left, top, width, height)) in enumerate(boxes):
        side = max(1, round(context * max(width, height)))
        square = cut_square(image, round(top + height / 2), round(left + width / 2), side)
        resampling = Image.Resampling.BOX if side > size else Image.Resampling.BILINEAR
        file = folder / name.replace("/", "_") / f"{path.stem}_{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(square).resize((size, size), resampling).save(file)
