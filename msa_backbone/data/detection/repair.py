"""Mend the defects that `check` finds, as far as that needs no guess."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from ...errors import DataError
from ...files.images import file_digest, image_size
from ..formats.coco import segmentation_of
from ..formats.detection_annotations import DetectionData, Split, clipped
from ..formats.instance_masks import is_apart, is_finite, mask_defect
from ..image_counter import ImageCounter, Progress
from .boxes import box_defect
from .check import image_defect
from .classes import count_notes


def repair(
    data: DetectionData, progress: Progress | None = None
) -> tuple[DetectionData, list[str]]:
    """Mend what can be mended and leave out what cannot.

    - Images that are missing or unreadable go, with their objects. So do images of another size
      than annotated, as nobody knows where their boxes belong.
    - Boxes get their corners ordered and are clipped to their image, and go if nothing is left.
    - Ids become unique. Objects of an id that two images or two categories share go, as nobody
      knows whose they are.
    - A malformed or empty mask goes, as does one outside its box; the box stays.
    - Where every object is a crowd, all become objects: training would ignore them.
    - Training images that are also in another split go from train.
    - What could not be read stays out.

    Args:
        data: what `find_detection_data` found; all images are decoded.
        progress: called after every image.

    Returns:
        The repaired data, in memory, and a line for every change. Only objects of `data.classes`
        are kept.

    Raises:
        DataError: if no training image is left.
    """
    changes: list[str] = []
    splits: dict[str, Split] = {}
    elsewhere: dict[bytes, str] = {}
    counter = ImageCounter(data.num_images, progress)
    for name in sorted(data.splits, key=("test", "val", "train").index):
        split = _without_crowds(name, data.splits[name], data.classes, changes)
        changes += [f"{name}: {line.rpartition('; ')[0]}: left out" for line in split.unread]
        refused = elsewhere if name == "train" else {}
        images, kept_ids, digests = _repaired_images(name, split, refused, changes, counter)
        elsewhere |= digests
        content = {**split.content, "images": images}
        content["categories"] = _repaired_categories(name, split, data.classes, changes)
        content["annotations"] = _repaired_annotations(name, split, content, kept_ids, changes)
        splits[name] = replace(split, content=content, ann_file=None, unread=())
    if not splits["train"].content["images"]:
        raise DataError(
            f"{data.splits['train'].source}: every training image is defect or in another split "
            "too; make other splits"
        )
    empty = [name for name in data.splits if not splits[name].content["images"]]
    changes += [f"{name}: left out, as no image of it is sound" for name in empty]
    splits = {name: splits[name] for name in data.splits if name not in empty}
    notes = tuple(count_notes(splits, data.classes))
    return replace(data, splits=splits, notes=notes), changes


def _without_crowds(name: str, split: Split, classes: tuple[str, ...], changes: list[str]) -> Split:
    """The split, with objects in place of crowds where every object of the classes is one."""
    ids = {c["id"] for c in split.content["categories"] if c["name"] in classes}
    records = [r for r in split.content["annotations"] if r["category_id"] in ids]
    if not records or not all(record["iscrowd"] for record in records):
        return split
    changes.append(f"{name}: iscrowd set to 0 for {len(records)} objects, as all were crowds")
    annotations = [{**record, "iscrowd": 0} for record in split.content["annotations"]]
    return replace(split, content={**split.content, "annotations": annotations})


def _repaired_images(
    name: str, split: Split, refused: dict[bytes, str], changes: list[str], counter: ImageCounter
) -> tuple[list[dict], dict[object, object], dict[bytes, str]]:
    """The images to keep, what each of their ids has become, and the split by the files' digests.

    Files whose digest is in `refused` go.
    """
    paths_of: dict[object, set[Path]] = {}
    for image in split.content["images"]:
        paths_of.setdefault(image["id"], set()).add(split.image_dir / image["file_name"])
    kept: dict[Path, dict] = {}
    ids, digests = {}, {}
    for image in split.content["images"]:
        counter.step()
        path = split.image_dir / image["file_name"]
        if len(paths_of[image["id"]]) > 1:
            changes.append(f"{name}: {path}: left out, its id {image['id']!r} is also another's")
            continue
        if first := kept.get(path):
            changes.append(f"{name}: {path}: its two entries joined")
            ids[image["id"]] = first["id"]
            # No xml file of VOC's has the objects of both: a new one is written.
            kept[path] = {key: value for key, value in first.items() if key != "voc_xml"}
            continue
        if image["width"] in (None, 0) or image["height"] in (None, 0):
            with suppress(DataError):  # an unreadable file is left out below
                width, height = image_size(path)
                image = {**image, "width": width, "height": height}
                changes.append(f"{name}: {path}: size set to {width} x {height}")
        defect, _ = image_defect(image, path, split.source, decode=True)
        if defect:
            changes.append(f"{name}: {path}: left out with its objects, {defect[0]}")
            continue
        digest = file_digest(path)
        if digest in refused:
            changes.append(f"{name}: {path}: left out, it is also in {refused[digest]}")
            continue
        digests[digest] = name
        ids[image["id"]] = image["id"]
        kept[path] = image
    return list(kept.values()), ids, digests


def _repaired_categories(
    name: str, split: Split, classes: tuple[str, ...], changes: list[str]
) -> list[dict]:
    times = Counter(category["id"] for category in split.content["categories"])
    for id_, uses in times.items():
        if uses > 1:
            changes.append(f"{name}: category id {id_!r} is used twice: its objects left out")
    free_ids = (number for number in count(1) if number not in times)
    kept, taken = [], set()
    for category in split.content["categories"]:
        if category["id"] in taken:  # all splits keep the same names
            category = {**category, "id": next(free_ids)}
        taken.add(category["id"])
        kept.append(category)
    return [category for category in kept if category["name"] in classes]


def _repaired_annotations(
    name: str, split: Split, content: dict, ids: dict[object, object], changes: list[str]
) -> list[dict]:
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    listed = {image["id"] for image in split.content["images"]}
    times = Counter(category["id"] for category in split.content["categories"])
    known = {category["id"] for category in content["categories"]}
    joined: set[tuple] = set()
    merged = {new for old, new in ids.items() if old != new}
    all_ids = {record["id"] for record in split.content["annotations"]}
    free_ids = (number for number in count(len(all_ids) + 1) if number not in all_ids)
    annotations, taken = [], set()
    for record in split.content["annotations"]:
        place = record.get("found_at", f"{split.source}: annotation {record['id']!r}")
        if record["image_id"] not in ids:
            if record["image_id"] not in listed:
                changes.append(f"{name}: {place}: left out, unknown image id")
            continue
        if record["category_id"] not in known or times[record["category_id"]] > 1:
            if record["category_id"] not in times:
                changes.append(f"{name}: {place}: left out, unknown category id")
            continue
        image_id = ids[record["image_id"]]
        box, area, what = _repaired_box(record["bbox"], record["area"], *sizes[image_id])
        if box is None:
            changes.append(f"{name}: {place}: left out, {what}")
            continue
        segmentation, (width, height) = segmentation_of(record), sizes[image_id]
        mask = mask_defect(segmentation, width, height)
        if segmentation and not mask and is_apart(segmentation, box, height, width):
            mask = "mask wholly outside its box"
        if mask:
            changes.append(f"{name}: {place}: its mask left out, {mask}")
            record = {key: value for key, value in record.items() if key != "segmentation"}
        if what:
            changes.append(f"{name}: {place}: {what}")
            record = {**record, "bbox": box, "area": area}
        if image_id != record["image_id"]:
            record = {**record, "image_id": image_id}
        kind = record["category_id"], record["iscrowd"], bool(segmentation_of(record))
        key = (image_id, *kind, *record["bbox"])
        if image_id in merged and key in joined:
            continue  # both entries of an image have it
        joined.add(key)
        if record["id"] in taken:
            record = {**record, "id": next(free_ids)}
            changes.append(f"{name}: {place}: id used twice, now {record['id']}")
        taken.add(record["id"])
        annotations.append(record)
    return annotations


def _repaired_box(
    box: object, area: object, width: float, height: float
) -> tuple[list | None, object, str]:
    """The mended box, or None where nothing is left of it, its area, and what was wrong."""
    done: list[str] = []
    while defect := box_defect(box, area, width, height):
        if defect.startswith("area"):
            area = box[2] * box[3]
            if not is_finite(area):  # too large for a number: no area would ever do
                break
            done.append("area set to width x height")
        elif defect == "box corners are swapped":
            left, top, box_width, box_height = box
            left, top = min(left, left + box_width), min(top, top + box_height)
            box = [left, top, abs(box_width), abs(box_height)]
            done.append("corners ordered")
        elif defect == "box partly outside its image":
            _, _, box_width, box_height = box
            box = clipped(box, width, height)
            area = area * box[2] * box[3] / (box_width * box_height)
            done.append("clipped to its image")
        else:
            break
    if defect:
        return None, area, defect
    return box, area, ", ".join(done)
