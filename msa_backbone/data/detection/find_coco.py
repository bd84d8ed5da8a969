"""Find COCO data in a folder: the jsons of the splits and the folders of their images."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ...errors import DataError
from ..formats.coco import read_coco
from ..formats.detection_annotations import DetectionData, Split
from .classes import choose_classes, class_notes, count_notes, require_train

_SPLIT_OF = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_SPLIT_WORD = re.compile(
    r"(?:^|[_.-])((train|validation|valid|val|test)(?![a-z]).*)", re.IGNORECASE
)
_LONE = (
    *("annotations.json", "instances.json", "instances_all.json", "instances_default.json"),
    *("result.json", "_annotations.coco.json"),
)
_NOT_BOXES = ("captions_", "image_info_", "panoptic_", "person_keypoints_", "stuff_")


def coco_files(root: Path) -> dict[str, Path]:
    """The COCO json of every split; empty if there is none."""
    found = [(split, root / word / "_annotations.coco.json") for word, split in _SPLIT_OF.items()]
    for path in sorted((root / "annotations").glob("*.json")):
        match = _SPLIT_WORD.search(path.stem)
        if match and not path.name.startswith(_NOT_BOXES):
            found.append((_SPLIT_OF[match[2].lower()], path))
    if not any(path.is_file() for _, path in found):
        found = [("train", folder / n) for folder in (root, root / "annotations") for n in _LONE]
    files: dict[str, Path] = {}
    for split, path in found:
        if path.is_file() and files.setdefault(split, path) != path:
            raise DataError(f"{path}: a second {split} file beside {files[split]}; move one away")
    return {split: files[split] for split in ("train", "val", "test") if split in files}


def coco_data(root: Path, files: dict[str, Path], classes: Sequence[str] | None) -> DetectionData:
    first = require_train(files, root / "annotations" / "instances_train.json")
    contents = {split: read_coco(path) for split, path in files.items()}
    names = {s: [c["name"] for c in content["categories"]] for s, content in contents.items()}
    chosen = choose_classes(names["train"], classes, first)
    kept = tuple(name for name in names["train"] if name in chosen)
    splits = {}
    for split, path in files.items():
        found = tuple(name for name in names[split] if classes is None or name in kept)
        if found != kept:
            odd = ", ".join(sorted(map(str, set(found) ^ set(kept)))) or "another order"
            fix = "list the same categories in the same order in both"
            raise DataError(f"{path}: categories differ from {first.name} ({odd}); {fix}")
        image_dir = _coco_image_dir(root, split, path, contents[split])
        content = _ids_above_zero(contents[split])
        ann_file = path if content is contents[split] else None
        splits[split] = Split(content, image_dir, ann_file, path)
    used = [str(path.relative_to(root)) for path in files.values()]
    unused = [p.name for p in sorted(first.parent.glob("*.json")) if p not in files.values()]
    notes = [f"format coco: found {', '.join(used)}", *(f"not used: {name}" for name in unused)]
    notes += class_notes(kept, f"as {first.name} orders them", contents["train"])
    return DetectionData(root, "coco", kept, splits, (*notes, *count_notes(splits, kept)))


def _ids_above_zero(content: dict) -> dict:
    """The content; where an annotation has id 0, all ids are raised by one.

    pycocotools takes 0 for "no match", so that this object would never count as found.
    """
    records = content["annotations"]
    if not any(record["id"] == 0 for record in records):
        return content
    raised = [{**r, "id": r["id"] + 1 if isinstance(r["id"], int) else r["id"]} for r in records]
    return {**content, "annotations": raised}


def _coco_image_dir(root: Path, split: str, path: Path, content: dict) -> Path:
    """The folder of the images: the first that has the first three, or else most of them all."""
    match = _SPLIT_WORD.search(path.stem)
    words = [match[1]] if match else []
    words += [word for word, name in _SPLIT_OF.items() if name == split and word not in words]
    folders = [path.parent, root / "images", *(root / "images" / word for word in words)]
    folders += [*(root / word for word in words), root]
    names = [image["file_name"] for image in content["images"][:3]]
    for folder in folders:
        if all((folder / name).is_file() for name in names):
            return folder
    files = [image["file_name"] for image in content["images"]]
    found = {folder: sum((folder / name).is_file() for name in files) for folder in folders}
    if any(found.values()):
        return max(found, key=found.get)
    tried = ", ".join(os.path.relpath(folder, root) for folder in folders)
    raise DataError(
        f"{path}: image {names[0]!r} is in none of the folders {tried} of {root}; "
        "put it in images/ or correct its file_name"
    )
