"""Objects that a file lists twice, as files do that were joined from two exports of one data set.

An object that counts twice weighs twice in the loss, and in scoring its second entry is one that
nobody can find.
"""

from collections import Counter
from operator import itemgetter

from ..coco import segmentation_of

_KEY = itemgetter("image_id", "category_id", "area")


def without_duplicates(content: dict) -> tuple[dict, list[str]]:
    """The content without objects that are the same as an earlier one but for their id, and a note.

    Image, class, box, mask and iscrowd have to be equal. Most objects differ in their area already:
    only the others are compared. Two of one id are for the checks.
    """
    records = content["annotations"]
    try:
        keys = list(map(_KEY, records))
        if len(set(keys)) == len(keys):
            return content, []
    except TypeError:  # an area that is no number, for the checks to report
        return content, []
    times, ids, kept = Counter(keys), {}, []
    for record, key in zip(records, keys, strict=True):
        if times[key] > 1:
            whole = *key, _box(record["bbox"]), record["iscrowd"], str(segmentation_of(record))
            if ids.setdefault(whole, record["id"]) != record["id"]:
                continue
        kept.append(record)
    if len(kept) == len(records):
        return content, []
    count = len(records) - len(kept)
    return {**content, "annotations": kept}, [f"objects listed again, kept once: {count}"]


def _box(box: object) -> object:
    """A box as what can be looked up; 5 and 5.0 are the same."""
    numbers = isinstance(box, list) and all(type(value) in (int, float) for value in box)
    return tuple(box) if numbers else str(box)
