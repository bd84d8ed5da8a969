"""Find COCO data in a folder: the jsons of the splits and the folders of their images."""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

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
from ..split_names import split_in_name
from ..splits import SPLIT_OF, SPLIT_WORDS
from .classes import choose_classes, class_notes, count_notes, require_train, require_unique

_WORDS = sorted([*SPLIT_OF, "trainval"], key=len, reverse=True)
_SPLIT_WORD = re.compile(rf"(?:^|[_.-])({'|'.join(_WORDS)})(?![a-z])", re.IGNORECASE)
_LISTS = re.compile(rb'(\xef\xbb\xbf)?\s*\{.*"(images|annotations|categories)"\s*:\s*\[', re.DOTALL)
_HEAD = 1 << 16  # bytes of a file that tell what it is, mostly
_LONE = (
    *("annotations.json", "instances.json", "instances_all.json", "instances_default.json"),
    *("result.json", "_annotations.coco.json", "coco.json", "labels.json"),
)
_NOT_BOXES = ("captions_", "image_info_", "panoptic_", "person_keypoints_", "stuff_")


def coco_files(root: Path, modalities: Sequence[Modality] = ()) -> dict[str, Path]:
    """The COCO json of every split; empty if there is none.

    Jsons of something else may lie among them. Of several, those that are named after one of
    `modalities` are left aside: infrared_train.json beside fusion_train.json says what that camera
    alone shows.
    """
    folders = [root, *(p for p in root.iterdir() if p.name.lower() == "annotations")]
    in_root, *beside = [_jsons(folder) for folder in folders]
    found = [
        (SPLIT_OF[folder.name.lower()], path)
        for folder in sorted(root.iterdir())
        if folder.name.lower() in SPLIT_OF
        for name in _LONE
        if (path := folder / name).is_file() and _is_coco(path) is not False
    ]
    named = [pair for paths in beside for path in paths for pair in _named_for_a_split(path)]
    found += [(split, path) for split, path in named if _is_coco(path) is not False]
    known = {split for split, _ in found}
    named = [pair for path in in_root for pair in _named_for_a_split(path)]
    found += [(split, path) for split, path in named if split not in known and _is_coco(path)]
    if not found:
        paths = [path for paths in (in_root, *beside) for path in paths]
        paths = [path for path in paths if path.name.lower() in _LONE]
        found = [("train", path) for path in paths if _is_coco(path) is not False]
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
    said = _split_said(path.stem)
    return [] if path.name.lower().startswith(_NOT_BOXES) or not said else [(said[0], path)]


def _split_said(stem: str) -> tuple[str, str] | None:
    """The split that a name speaks of, or trainval, and the rest of the name from that word on.

    >>> _split_said("instances_train2017"), _split_said("crash-test_val"), _split_said("valley")
    (('train', 'train2017'), ('val', 'val'), None)
    """
    matches = list(_SPLIT_WORD.finditer(stem))
    said = [SPLIT_OF.get(match[1].lower(), "trainval") for match in matches]
    if not matches:
        return None
    if said == ["train", "val"]:
        return "trainval", stem[matches[0].start(1) :]
    return said[-1], stem[matches[-1].start(1) :]


def _is_coco(path: Path) -> bool | None:
    """Whether a json speaks of COCO's lists; None for a broken one, of which nobody knows.

    Labels of other formats and lists of classes lie among the jsons.
    """
    if path.is_file():
        with path.open("rb") as file:
            if _LISTS.match(file.read(_HEAD)):
                return True
    try:
        content = msgspec.json.decode(read_bytes(path), type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:  # a list, for one
        return False
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    lists = (content.get(key) for key in ("images", "annotations", "categories"))
    return any(bytes(found).startswith(b"[") for found in lists if found is not None)


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
        _refuse_train_s_images(root, splits, name, whole)
        # Training opens a json in the system's encoding, and knows no byte order mark.
        is_ascii = files[name].read_bytes().isascii()
        if splits[name].content is not content or unread or not is_ascii:
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


def _refuse_train_s_images(root: Path, splits: dict[str, Split], name: str, written: dict) -> None:
    """Raise DataError for an image that a split has by its name alone, and train as well.

    Where the split's images are missing, train's may have the same names.
    """
    split, train = splits[name], splits["train"]
    if name == "train" or split.content["images"] is written["images"]:
        return
    names = {image["id"]: image["file_name"] for image in written["images"]}
    moved = {
        os.path.join(split.image_dir, image["file_name"]): names[image["id"]]
        for image in split.content["images"]
        if image["file_name"] != names[image["id"]]
    }
    of_train = {os.path.join(train.image_dir, i["file_name"]) for i in train.content["images"]}
    both = [path for path in moved if path in of_train]
    if both and split_in_name(os.path.basename(os.path.dirname(both[0]))) == "train":
        raise DataError(
            f"{split.source}: image {moved[both[0]]!r} is in no folder of {name}, and "
            f"{os.path.relpath(both[0], root)} is train's; add the images of {name}"
        )


def _image_files(
    root: Path, split: str, path: Path, content: dict, modalities: Sequence[Modality]
) -> FolderFiles:
    """The folder of the images: the first that has the first three, or else most of them all.

    Images of a json that speaks of no split may lie in the folders of several.
    """
    said = _split_said(path.stem)
    words = [said[1]] if said else []
    words += [word for word in SPLIT_WORDS[split] if word not in words]
    folders = [
        folder
        for name in (folder_names(modalities[0], modalities) if modalities else ())
        for below in (name, *(f"{name}/{w}" for w in words), *(f"{w}/{name}" for w in words))
        if (folder := folder_below(root, below))
    ]
    below = ["images", *(f"images/{word}" for word in words), *words]
    folders += [path.parent, path.parent / "data", path.parent / "images"]
    folders += [*(folder_below(root, name) or root / name for name in below), root]
    candidates = [FolderFiles(folder, root) for folder in dict.fromkeys(folders)]
    names = [image["file_name"] for image in content["images"]]
    for files in candidates:
        if all(files.holds(name) for name in names[:3]) and (said or all(map(files.has, names))):
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
