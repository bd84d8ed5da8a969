"""A val split where there is none, and the COCO jsons that a training reads."""

import json
import re
from dataclasses import replace
from pathlib import Path

import msgspec

from ...errors import DataError
from ...files.whole_files import write_whole
from ..folders import require_outside
from ..formats.detection_annotations import DetectionData, with_images
from ..splits import choose_val
from .classes import count_notes


def make_val_split(data: DetectionData, fraction: float = 0.1, seed: int = 0) -> DetectionData:
    """Move a fraction of the training images into a val split if there is none.

    Raises:
        DataError: as `choose_val`, and if the split would take every object.
    """
    if "val" in data.splits:
        return data
    train = data.splits["train"]
    names = {image["file_name"] for image in train.content["images"]}
    val = choose_val(data.root, names, fraction, seed)
    made = {
        name: with_images(train, [i for i in train.content["images"] if i["file_name"] in part])
        for name, part in (("train", names - val), ("val", val))
    }
    made["val"] = replace(made["val"], unread=())  # one split tells of what nobody could read
    if train.content["annotations"] and not made["train"].content["annotations"]:
        raise DataError(f"{data.root}: the val split made here takes every object; give one")
    note = f"val is {len(val)} of the {len(names)} training images (seed {seed})"
    notes = (*data.notes, note, *count_notes(made, data.classes))
    return replace(data, splits=data.splits | made, notes=notes)


def ann_file(data: DetectionData, split: str, index_dir: Path) -> Path:
    """The COCO json of a split: the user's, or the one that `write_index` puts in `index_dir`."""
    return data.splits[split].ann_file or index_dir / f"{split}.json"


def write_index(data: DetectionData, index_dir: Path) -> None:
    """Write the COCO jsons of the splits that have none; DataError for a folder in the data.

    They are ASCII, which is the same in every encoding that a system may open them in.
    """
    require_outside(index_dir, data.root)
    for name, split in data.splits.items():
        if split.ann_file is None:
            text = msgspec.json.encode(split.content).decode(errors="replace")
            text = re.sub(r"[^\0-\x7f]+", lambda found: json.dumps(found[0])[1:-1], text)
            write_whole(ann_file(data, name, index_dir), text)
