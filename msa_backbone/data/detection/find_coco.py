"""Find COCO data in a folder: the jsons of the splits and the folders of their images."""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import DataError
from ...files.modality_files import Modality
from ...files.text import read_bytes
from ..folders import folder_below
from ..formats.coco import names_images_elsewhere, read_coco
from ..formats.derived.categories import with_categories_of
from ..formats.derived.duplicates import without_duplicates
from ..formats.derived.fields import with_fields, with_sizes
from ..formats.derived.ids import with_whole_ids
from ..formats.derived.image_names import FolderFiles, with_found_images
from ..formats.detection_annotations import DetectionData, Split
from ..modalities.names import folder_names, speaks_of_one
from ..splits import SPLIT_OF, SPLIT_WORDS
from .classes import choose_classes, class_notes, count_notes, require_train, require_unique

_WORDS = sorted([*SPLIT_OF, "trainval"], key=len, reverse=True)
_SPLIT_WORD = re.compile(rf"(?:^|[_.-])(({'|'.join(_WORDS)})(?![a-z]).*)", re.IGNORECASE)
_LONE = (
    *("annotations.json", "instances.json", "instances_all.json", "instances_default.json"),
    *("result.json", "_annotations.coco.json", "coco.json", "labels.json"),
)
_NOT_BOXES = ("captions_", "image_info_", "panoptic_", "person_keypoints_", "stuff_")


def coco_files(root: Path, modalities: Sequence[Modality] = ()) -> dict[str, Path]:
    """The COCO json of every split; empty if there is none.

    Of several, those that are named after one of `modalities` are left aside: infrared_train.json
    beside fusion_train.json says what that camera alone shows.
    """
    folders = [root, *(p for p in root.iterdir() if p.name.lower() == "annotations")]
    in_root, *beside = [_jsons(folder) for folder in folders]
    found = [
        (SPLIT_OF[folder.name.lower()], path)
        for folder in sorted(root.iterdir())
        if folder.name.lower() in SPLIT_OF and (path := folder / "_annotations.coco.json").is_file()
    ]
    found += [pair for paths in beside for path in paths for pair in _named_for_a_split(path)]
    if not found:
        found = [pair for path in in_root for pair in _named_for_a_split(path) if _is_coco(path)]
    if not found:
        paths = [path for paths in (in_root, *beside) for path in paths]
        found = [("train", path) for path in paths if path.name.lower() in _LONE]
    for_all = {split for split, path in found if not speaks_of_one(path.stem, modalities)}
    found = [
        (split, path)
        for split, path in found
        if split not in for_all or not speaks_of_one(path.stem, modalities)
    ]
    files: dict[str, Path] = {}
    for split, path in found:
        if files.setdefault(split, path) != path:
            raise DataError(f"{path}: a second {split} file beside {files[split]}; move one away")
    if not files.keys() & {"train", "val"} and "trainval" in files:
        files["train"] = files["trainval"]
    return {split: files[split] for split in SPLIT_WORDS if split in files}


def _jsons(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    jsons = (path for path in folder.iterdir() if path.suffix.lower() == ".json")
    return sorted(path for path in jsons if not path.name.startswith("."))  # macOS puts ._a.json


def _named_for_a_split(path: Path) -> list[tuple[str, Path]]:
    """The split that a json's name speaks of, with its path; none or one."""
    match = _SPLIT_WORD.search(path.stem)
    if not match or path.name.lower().startswith(_NOT_BOXES):
        return []
    return [(SPLIT_OF.get(match[2].lower(), "trainval"), path)]


def _is_coco(path: Path) -> bool:
    """Whether a json in ROOT, where labels of other formats lie too, speaks of COCO's lists."""
    text = read_bytes(path)
    return b'"images"' in text and (b'"annotations"' in text or b'"categories"' in text)


def coco_data(
    root: Path,
    files: dict[str, Path],
    classes: Sequence[str] | None,
    modalities: Sequence[Modality] = (),
) -> DetectionData:
    """The splits of these files; one of test images without any annotation is left aside.

    Of several `modalities`, the images are those of the first.
    """
    first = require_train(files, root / "annotations" / "instances_train.json")
    read, unlabelled, notes = {}, {}, []
    for name, path in files.items():
        optional = ("annotations", "categories") if name == "test" else ()
        content, unread = read_coco(path, optional)
        require_unique([category["name"] for category in content["categories"]], path)
        if optional and not content["annotations"] and not unread:
            unlabelled[name] = path
            notes.append(f"{name} is left aside: {path.name} has no annotations")
        else:
            read[name] = content, unread
    names = [category["name"] for category in read["train"][0]["categories"]]
    chosen = choose_classes(names, classes, first)
    kept = tuple(name for name in names if name in chosen)
    splits: dict[str, Split] = {}
    for name, (content, unread) in read.items():
        whole, derived = with_whole_ids(content, files[name])
        if name != "train":
            train = splits["train"]
            whole, lines = with_categories_of(train.content, whole, classes, first, files[name])
            derived += lines
        image_files = _image_files(root, name, files[name], whole, modalities)
        splits[name], lines = _filled_in(image_files, files[name], whole, unread)
        if splits[name].content is not content or unread:
            splits[name] = replace(splits[name], ann_file=None)
        notes += [f"{name}: {line}" for line in derived + lines]
    used = [str(path.relative_to(root)) for path in files.values()]
    unused = [path.name for path in _jsons(first.parent) if path not in files.values()]
    found = [f"format coco: found {', '.join(used)}", *(f"not used: {name}" for name in unused)]
    about = class_notes(kept, f"as {first.name} orders them", splits["train"].content)
    notes = (*found, *notes, *about, *count_notes(splits, kept))
    return DetectionData(root, "coco", kept, splits, notes, unlabelled)


def _filled_in(
    files: FolderFiles, path: Path, content: dict, unread: list[str]
) -> tuple[Split, list[str]]:
    """The split with its images found and the fields that follow from others, and notes."""
    content, unsure, notes = with_found_images(content, files, path)
    content, sized = with_sizes(content, files.folder)
    content, filled = with_fields(content)
    content, twice = without_duplicates(content)
    split = Split(content, files.folder, path, path, tuple(unread + unsure))
    return split, notes + sized + filled + twice


def _image_files(
    root: Path, split: str, path: Path, content: dict, modalities: Sequence[Modality]
) -> FolderFiles:
    """The folder of the images: the first that has the first three, or else most of them all."""
    match = _SPLIT_WORD.search(path.stem)
    words = [match[1]] if match else []
    words += [word for word in SPLIT_WORDS[split] if word not in words]
    folders = [
        folder
        for name in (folder_names(modalities[0], modalities) if modalities else ())
        for below in (name, *(f"{name}/{w}" for w in words), *(f"{w}/{name}" for w in words))
        if (folder := folder_below(root, below))
    ]
    folders += [path.parent, root / "images", *(root / "images" / word for word in words)]
    folders += [*(root / word for word in words), root]
    candidates = [FolderFiles(folder, root) for folder in dict.fromkeys(folders)]
    names = [image["file_name"] for image in content["images"]]
    for files in candidates:
        if all(files.holds(name) for name in names[:3]):
            return files
    found = {files: files.number_of(names) for files in candidates}
    best = max(found, key=found.get)
    if found[best] > (0, 0):
        return best
    if names_images_elsewhere(content):
        return candidates[0]
    if meant := max((files.spelled(names[0]) for files in candidates), key=len):
        first, second = meant[:2]
        raise DataError(
            f"{path}: image {names[0]!r} may be {first} or {second}; write which of them it is"
        )
    tried = ", ".join(os.path.relpath(files.folder, root) for files in candidates)
    raise DataError(
        f"{path}: image {names[0]!r} is in none of the folders {tried} of {root}; "
        "put it in images/ or correct its file_name"
    )
