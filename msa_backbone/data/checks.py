"""Check detection data for what would stop, spoil or silently shrink a training."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from .annotations import IMAGE_ERRORS, DataError, oriented_size, segmentation_of
from .layouts import DetectionData, Split

# Every kind of defect and what to do about it, the gravest first.
_FATAL = {
    "image listed twice": "give every image one entry with an id of its own",
    "category id used twice": "give every category an id of its own",
    "annotation id used twice": "give every annotation an id of its own",
    "unknown image id": "list the image or remove the annotation",
    "unknown category id": "list the category or remove the annotation",
    "missing image": "add the file or remove its entry",
    "unreadable image": "replace the file",
    "image size differs": "correct the annotated size and the boxes",
    "box is not four finite numbers": "correct or remove it",
    "box corners are swapped": "order them left, top, right, bottom",
    "box wholly outside its image": "correct or remove it",
    "area is not positive, so training would drop the box": "set area to width x height",
    "no object to train on": "add boxes of the chosen classes, a pixel or larger and no crowds",
}
_WARNINGS = {
    "box less than a pixel wide or high": "training drops it",
    "box partly outside its image": "training clips it",
    "image also in the train split": "its score tells little, keep it in one split",
    "split without an object": "nothing can be scored on it",
}
_ANY_SIZE = (math.inf, math.inf)  # of an image with a defect: its boxes cannot be placed
_END_MARKS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}


class _Findings:
    """The cases of every kind of defect, each with its split and place."""

    def __init__(self) -> None:
        self.cases: dict[str, list[tuple[str, str]]] = {kind: [] for kind in _FATAL | _WARNINGS}

    def add(self, split: str, kind: str, place: object) -> None:
        self.cases[kind].append((split, str(place)))

    def raise_gravest(self) -> None:
        for kind, mend in _FATAL.items():
            if cases := self.cases[kind]:
                more = f"; {len(cases) - 1} more like it" if len(cases) > 1 else ""
                raise DataError(f"{cases[0][1]}: {kind}; {mend}{more}")

    def warnings(self) -> list[str]:
        lines = []
        for kind, effect in _WARNINGS.items():
            if cases := self.cases[kind]:
                counts = Counter(split for split, _ in cases)
                counted = ", ".join(f"{count} in {split}" for split, count in counts.items())
                lines.append(f"{kind}: {counted}, first {cases[0][1]}; {effect}")
        return lines


def check_detection_data(
    data: DetectionData,
    full_decode_limit: int = 5000,
    progress: Callable[[int, int], None] | None = None,
    read_images: bool = True,
) -> list[str]:
    """Read all annotations and images; return warnings, one line for each kind of defect.

    The first `full_decode_limit` images are decoded; of the others the size and the end of the
    file are read, and those without the end mark of JPEG or PNG are decoded too. Boxes may pass
    the border by a pixel. `progress(done, total)` is called after every image. Without
    `read_images` the annotations are believed what they say of these. Raises DataError for the
    gravest defect that would spoil a training, with the first case and how to mend it.
    """
    findings = _Findings()
    train = data.splits["train"]
    in_train = {train.image_dir / image["file_name"] for image in train.content["images"]}
    done, total = 0, sum(len(split.content["images"]) for split in data.splits.values())
    for name, split in data.splits.items():
        sizes = {}
        for image in split.content["images"]:
            path = split.image_dir / image["file_name"]
            if image["id"] in sizes:
                place = f"{split.source}: image id {image['id']!r}"
                findings.add(name, "image listed twice", place)
            if name != "train" and path in in_train:
                findings.add(name, "image also in the train split", path)
            defect = None
            if read_images:
                defect = _image_defect(image, path, split.source, done < full_decode_limit)
            if defect:
                findings.add(name, *defect)
            sizes[image["id"]] = _ANY_SIZE if defect else (image["width"], image["height"])
            done += 1
            if progress:
                progress(done, total)
        for kind, place in _annotation_defects(name, split, sizes, data.classes):
            findings.add(name, kind, place)
    findings.raise_gravest()
    return findings.warnings()


def require_segmentations(data: DetectionData) -> None:
    """Raise DataError for an annotation without a mask, or with one that cannot be read."""
    for split in data.splits.values():
        sizes = {
            image["id"]: [image["height"], image["width"]] for image in split.content["images"]
        }
        for record in split.content["annotations"]:
            segmentation = segmentation_of(record)
            if not segmentation:
                raise DataError(
                    f"{split.source}: annotation {record['id']!r} has no segmentation, and the "
                    "config trains on masks: add it, or choose a config without masks"
                )
            if not _is_segmentation(segmentation, sizes.get(record["image_id"])):
                raise DataError(
                    f"{split.source}: the segmentation of annotation {record['id']!r} is neither a "
                    "list of polygons [x, y, x, y, x, y, ...] nor a run-length code of the image's "
                    "[height, width]: correct it"
                )


def _is_segmentation(segmentation: object, size: list[int] | None) -> bool:
    """Whether it has the form of polygons, or of a run-length code of that size."""
    if isinstance(segmentation, dict):
        counts = segmentation.get("counts")
        whole = not isinstance(counts, list) or (size and sum(counts) == size[0] * size[1])
        return isinstance(counts, str | list) and whole and segmentation.get("size") == size
    return isinstance(segmentation, list) and all(
        isinstance(polygon, list)
        and len(polygon) >= 6
        and len(polygon) % 2 == 0
        and all(isinstance(value, int | float) for value in polygon)
        for polygon in segmentation
    )


def _image_defect(record: dict, path: Path, source: Path, decode: bool) -> tuple[str, str] | None:
    """The kind and the place of the gravest defect of an image."""
    source = record.get("voc_place", source)
    if not path.is_file():
        return "missing image", f"{source}: {path}"
    try:
        with Image.open(path) as picture:
            if decode or not _ends_complete(path, picture.format):
                picture.load()
            width, height = oriented_size(picture)
    except IMAGE_ERRORS as error:
        return "unreadable image", f"{path} ({error})"
    stated = record["width"], record["height"]
    if stated != (width, height):
        return "image size differs", f"{path} is {width} x {height}, {source} says {stated}"
    return None


def _ends_complete(path: Path, image_format: str) -> bool:
    """Whether the file ends with the mark that closes its format."""
    mark = _END_MARKS.get(image_format)
    if mark is None:
        return False
    with path.open("rb") as file:
        file.seek(-len(mark), 2)
        return file.read() == mark


def _annotation_defects(
    name: str, split: Split, sizes: dict[object, tuple[float, float]], classes: tuple[str, ...]
) -> Iterator[tuple[str, object]]:
    """The kind and the place of every defect; `sizes` has width and height of every image id."""
    names = {category["id"]: category["name"] for category in split.content["categories"]}
    if len(names) < len(split.content["categories"]):
        yield "category id used twice", split.source
    ids, usable = set(), 0
    for record in split.content["annotations"]:
        record_id, image_id, category_id = (record[k] for k in ("id", "image_id", "category_id"))
        place = f"{split.source}: annotation {record_id!r} {record['bbox']}"
        place = record.get("voc_place", place)
        if record_id in ids:
            yield "annotation id used twice", place
        ids.add(record_id)
        if image_id not in sizes:
            yield "unknown image id", f"{place}: image_id {image_id!r}"
        elif category_id not in names:
            yield "unknown category id", f"{place}: category_id {category_id!r}"
        elif names[category_id] in classes:
            defect = _box_defect(record["bbox"], record["area"], *sizes[image_id])
            if defect:
                yield defect, place
            usable += not record["iscrowd"] and defect in (None, "box partly outside its image")
    if not usable:
        kind = "no object to train on" if name == "train" else "split without an object"
        yield kind, split.source


def _box_defect(box: object, area: object, image_width: float, image_height: float) -> str | None:
    """The gravest defect of a box, given as left, top, width and height."""
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_finite, box)):
        return "box is not four finite numbers"
    left, top, width, height = box
    right, bottom = left + width, top + height
    if min(width, height) < 0:
        return "box corners are swapped"
    if min(width, height) < 1:
        return "box less than a pixel wide or high"
    if right <= 0 or bottom <= 0 or left >= image_width or top >= image_height:
        return "box wholly outside its image"
    if not _is_finite(area) or area <= 0:
        return "area is not positive, so training would drop the box"
    if min(left, top) < -1 or right > image_width + 1 or bottom > image_height + 1:
        return "box partly outside its image"
    return None


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
