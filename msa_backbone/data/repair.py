"""Mend the defects that `checks` finds, as far as that needs no guess."""

from collections.abc import Callable
from dataclasses import replace

from PIL import Image

from .annotations import oriented_size, segmentation_of
from .checks import box_defect, file_digest, image_defect, mask_defect
from .layouts import DetectionData, Split, count_notes


def repair(
    data: DetectionData, progress: Callable[[int, int], None] | None = None
) -> tuple[DetectionData, list[str]]:
    """Mend what can be mended and leave out what cannot.

    Missing and unreadable images go, with their objects; sizes become the files'; boxes are
    ordered, clipped to their image, or go where nothing is left of them; ids become unique; an
    image that is also in another split stays in one (test before val before train), so that scores
    are honest.

    Args:
        data: what `find_detection_data` found; all images are decoded.
        progress: called after every image with the number of images done and of all.

    Returns:
        The repaired data, in memory, and a line for every change.
    """
    changes: list[str] = []
    splits: dict[str, Split] = {}
    elsewhere: dict[bytes, str] = {}
    done, total = 0, sum(len(split.content["images"]) for split in data.splits.values())

    def step() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)

    for name in sorted(data.splits, key=("test", "val", "train").index):
        split = data.splits[name]
        images, kept_ids = _repaired_images(name, split, elsewhere, changes, step)
        content = {**split.content, "images": images}
        content["categories"] = _repaired_categories(name, split, changes)
        content["annotations"] = _repaired_annotations(name, split, content, kept_ids, changes)
        splits[name] = replace(split, content=content, ann_file=None)
    splits = {name: splits[name] for name in data.splits}
    notes = tuple(count_notes(splits, data.classes))
    return replace(data, splits=splits, notes=notes), changes


def _repaired_images(
    name: str,
    split: Split,
    elsewhere: dict[bytes, str],
    changes: list[str],
    step: Callable[[], None],
) -> tuple[list[dict], dict[object, object]]:
    """The images to keep, and the id that each id of theirs has become.

    `elsewhere` has the content of the images of the splits before, and gets this split's.
    """
    images, ids, id_of_path, own = [], {}, {}, {}
    for image in split.content["images"]:
        step()
        path = split.image_dir / image["file_name"]
        if image["id"] in ids:
            changes.append(f"{name}: {path}: left out, its id {image['id']!r} is another image's")
            continue
        if path in id_of_path:
            changes.append(f"{name}: {path}: its two entries joined")
            ids[image["id"]] = id_of_path[path]
            continue
        defect = image_defect(image, path, split.source, decode=True)
        if defect and defect[0] == "image size differs":
            with Image.open(path) as picture:
                width, height = oriented_size(picture)
            changes.append(f"{name}: {path}: size set to {width} x {height}")
            image = {**image, "width": width, "height": height}
        elif defect:
            changes.append(f"{name}: {path}: left out with its objects, {defect[0]}")
            continue
        digest = file_digest(path)
        if digest in elsewhere:
            changes.append(f"{name}: {path}: left out, it is also in {elsewhere[digest]}")
            continue
        own[digest] = name
        ids[image["id"]] = id_of_path[path] = image["id"]
        images.append(image)
    elsewhere |= own
    return images, ids


def _repaired_categories(name: str, split: Split, changes: list[str]) -> list[dict]:
    categories: dict[object, dict] = {}
    for category in split.content["categories"]:
        if category["id"] in categories:
            taken = categories[category["id"]]["name"]
            changes.append(
                f"{name}: category {category['name']!r} left out, its id {category['id']!r} is "
                f"{taken!r}'s"
            )
            continue
        categories[category["id"]] = category
    return list(categories.values())


def _repaired_annotations(
    name: str, split: Split, content: dict, ids: dict[object, object], changes: list[str]
) -> list[dict]:
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    listed = {image["id"] for image in split.content["images"]}
    known = {category["id"] for category in content["categories"]}
    whole = [r["id"] for r in split.content["annotations"] if isinstance(r["id"], int)]
    taken, next_id = set(), max(whole, default=0) + 1
    annotations = []
    for record in split.content["annotations"]:
        place = record.get("voc_place", f"{split.source}: annotation {record['id']!r}")
        if record["image_id"] not in ids:
            if record["image_id"] not in listed:
                changes.append(f"{name}: {place}: left out, unknown image id")
            continue
        if record["category_id"] not in known:
            changes.append(f"{name}: {place}: left out, unknown category id")
            continue
        image_id = ids[record["image_id"]]
        box, area, what = _repaired_box(record["bbox"], record["area"], *sizes[image_id])
        if box is None:
            changes.append(f"{name}: {place}: left out, {what}")
            continue
        if mask := mask_defect(segmentation_of(record), *sizes[image_id]):
            changes.append(f"{name}: {place}: left out, {mask}")
            continue
        if what:
            changes.append(f"{name}: {place}: {what}")
            record = {**record, "bbox": box, "area": area}
        if image_id != record["image_id"]:
            record = {**record, "image_id": image_id}
        if record["id"] in taken:
            changes.append(f"{name}: {place}: id used twice, now {next_id}")
            record = {**record, "id": next_id}
            next_id += 1
        taken.add(record["id"])
        annotations.append(record)
    return annotations


def _repaired_box(
    box: object, area: object, width: float, height: float
) -> tuple[list | None, object, str]:
    """The mended box, or None where nothing is left of it, its area, and what was wrong."""
    done = []
    defect = box_defect(box, area, width, height)
    if defect == "box corners are swapped":
        left, top, box_width, box_height = box
        left, top = min(left, left + box_width), min(top, top + box_height)
        box = [left, top, abs(box_width), abs(box_height)]
        area = box[2] * box[3]
        done.append("corners ordered")
        defect = box_defect(box, area, width, height)
    if defect == "box partly outside its image":
        left, top, box_width, box_height = box
        right, bottom = min(left + box_width, width), min(top + box_height, height)
        left, top = max(left, 0), max(top, 0)
        area = area * (right - left) * (bottom - top) / (box_width * box_height)
        box = [left, top, right - left, bottom - top]
        done.append("clipped to its image")
        defect = box_defect(box, area, width, height)
    if defect == "area is not positive, so training would drop the box":
        area = box[2] * box[3]
        done.append("area set to width x height")
        defect = box_defect(box, area, width, height)
    if defect:
        return None, area, defect
    return box, area, ", ".join(done)
