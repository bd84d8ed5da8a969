"""Check detection data for what would stop, spoil or silently shrink a training.

Loaders and losses pass over many defects in silence: a box without area, for one, turns a loss into
NaN. So all annotations and images are read before a training starts.
"""

import math
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ...errors import DataError, first_and_count
from ...files.images import (
    DARK,
    ImageError,
    ImageFacts,
    file_digest,
    image_facts,
    is_dark,
    stored_orientation,
)
from ..formats.coco import segmentation_of
from ..formats.derived.categories import alike
from ..formats.detection_annotations import DetectionData, Split
from ..formats.instance_masks import is_apart, mask_defect
from ..found_files import NO_UTF_8, is_utf_8
from ..image_counter import ImageCounter, Progress
from .boxes import box_defect, box_form
from .defects import ALIKE, ALL_CROWDS, FATAL, OF_BOXES, WARNINGS, Defect

_ANY_SIZE = (math.inf, math.inf)  # of an image with a defect: its boxes cannot be placed


def check_detection_data(
    data: DetectionData,
    full_decode_limit: int = 5000,
    progress: Progress | None = None,
    read_images: bool = True,
    crowds: bool = False,
) -> list[str]:
    """Look for defects; the arguments are those of `detection_defects`.

    Returns:
        Warnings, one line for each kind of defect.

    Raises:
        DataError: for the gravest defect that would spoil a training, with the first case and how
            to mend it.
    """
    defects = detection_defects(data, full_decode_limit, progress, read_images, crowds=crowds)
    for kind in FATAL:
        if cases := [defect for defect in defects if defect.kind == kind]:
            raise DataError(first_and_count(cases, "more like it"))
    lines = []
    for kind, effect in WARNINGS.items():
        if cases := [defect for defect in defects if defect.kind == kind]:
            counts = Counter(defect.split for defect in cases)
            counted = ", ".join(f"{count} in {split}" for split, count in counts.items())
            lines.append(f"{kind}: {counted}, first {cases[0].place}; {effect}")
    return lines


def detection_defects(
    data: DetectionData,
    full_decode_limit: float = 5000,
    progress: Progress | None = None,
    read_images: bool = True,
    thorough: bool = False,
    crowds: bool = False,
) -> list[Defect]:
    """Read all annotations and images, and find every defect.

    A box may pass its image's border by a pixel, which is a matter of rounding.

    Args:
        data: what to check; of the annotations, those of `data.classes`.
        full_decode_limit: how many images are decoded; of the others, see `image_facts`, the
            size and the end of the file are read.
        progress: called after every image.
        read_images: if False, the image files are left alone and the annotations' sizes believed.
        thorough: also look into the segmentations, and for training images that are in another
            split under another name.
        crowds: crowds are objects too, as they are in semantic masks.
    """
    train = data.splits["train"].source
    found = [Defect(ALIKE, "train", f"{train}: {a!r}, {b!r}") for a, b in alike(data.classes)]
    counter = ImageCounter(data.num_images, progress)
    in_train: set[object] = set()
    for name, split in sorted(data.splits.items(), key=lambda item: item[0] != "train"):
        sizes, paths, seen = {}, set(), []
        for image in split.content["images"]:
            path = split.image_dir / image["file_name"]
            if image["id"] in sizes:
                place = image.get("found_at", f"{split.source}: image id {image['id']!r}")
                found.append(Defect("image listed twice", name, place))
            elif path in paths:
                found.append(Defect("image file under two ids", name, str(path)))
            paths.add(path)
            if read_images:
                decode = counter.done < full_decode_limit
                defect, facts = image_defect(image, path, split.source, decode)
                seen += [facts] if facts else []
                found += [
                    Defect(kind, name, str(path)) for kind in (facts.oddities if facts else ())
                ]
            else:
                defect = _size_defect(image, split.source)
            if defect:
                found.append(Defect(defect[0], name, defect[1]))
            marks = {path, file_digest(path)} if thorough and not defect else {path}
            if name == "train":
                in_train |= marks
            elif marks & in_train:
                found.append(Defect("image also in the train split", name, str(path)))
            sizes[image["id"]] = _ANY_SIZE if defect else (image["width"], image["height"])
            counter.step()
        if is_dark(seen):
            found.append(Defect(DARK, name, str(split.source)))
        defects = list(_annotation_defects(split, sizes, data.classes, name, thorough, crowds))
        if form := box_form(split.content["annotations"], sizes, defects):
            defects = [(kind, place) for kind, place in defects if kind not in OF_BOXES]
            defects.append((form, split.source))
        found += [Defect(kind, name, str(place)) for kind, place in defects]
    return found


def _size_defect(record: dict, source: Path) -> tuple[str, str] | None:
    size = record["width"], record["height"]
    if all(isinstance(side, int) and side > 0 for side in size):
        return None
    place = record.get("found_at", f"{source}: image {record['id']!r}")
    return "image size is not two positive whole numbers", f"{place}: {size}"


def image_defect(
    record: dict, path: Path, source: Path, decode: bool
) -> tuple[tuple[str, str] | None, ImageFacts | None]:
    """The kind and the place of the gravest defect of an image, and what was read of the file."""
    source = record.get("found_at", source)
    if not is_utf_8(record["file_name"]):
        return (NO_UTF_8, str(path)), None
    if not os.path.isfile(path):
        return ("missing image", f"{source}: {path}"), None
    try:
        facts = image_facts(path, decode)
    except ImageError as error:
        return (error.kind, f"{path} ({error.reason})"), None
    stated, read = (record["width"], record["height"]), (facts.width, facts.height)
    if stated == read:
        return None, facts
    place = f"{path} is {facts.width} x {facts.height}, {source} says {stated}"
    if stated == read[::-1] and (orientation := stored_orientation(path)) > 1:
        place += f", its EXIF orientation is {orientation}"
        return ("annotated otherwise than training turns it", place), facts
    return ("image size differs", place), facts


def _place(split: Split, record: dict) -> str:
    """Where an annotation is, for messages."""
    default = f"{split.source}: annotation {record['id']!r} {record['bbox']}"
    return record.get("found_at", default)


def _annotation_defects(
    split: Split,
    sizes: dict[object, tuple[float, float]],
    classes: tuple[str, ...],
    name: str,
    thorough: bool,
    crowds: bool,
) -> Iterator[tuple[str, object]]:
    """The kind and the place of every defect; `sizes` has width and height of every image id."""
    names = {category["id"]: category["name"] for category in split.content["categories"]}
    if len(names) < len(split.content["categories"]):
        yield "category id used twice", split.source
    ids, usable, ignored, chosen = set(), 0, 0, set(classes)
    for record in split.content["annotations"]:
        record_id, image_id, category_id = record["id"], record["image_id"], record["category_id"]
        if record_id in ids:
            yield "annotation id used twice", _place(split, record)
        ids.add(record_id)
        if image_id not in sizes:
            yield "unknown image id", f"{_place(split, record)}: image_id {image_id!r}"
        elif category_id not in names:
            yield "unknown category id", f"{_place(split, record)}: category_id {category_id!r}"
        elif names[category_id] in chosen:
            defect = box_defect(record["bbox"], record["area"], *sizes[image_id])
            if defect:
                yield defect, _place(split, record)
            if defect in (None, "box partly outside its image"):
                usable += crowds or not record["iscrowd"]
                ignored += record["iscrowd"]
            if thorough and sizes[image_id] != _ANY_SIZE and (mask := segmentation_of(record)):
                width, height = sizes[image_id]
                if of_mask := mask_defect(mask, width, height):
                    yield of_mask, _place(split, record)
                elif defect is None and is_apart(mask, record["bbox"], height, width):
                    yield "mask wholly outside its box", _place(split, record)
    if not usable:
        kind = ALL_CROWDS if ignored else "no object to train on"
        yield kind if name == "train" else "split without an object", split.source
