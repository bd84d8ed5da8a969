"""Finding YOLO data in a folder: the images of every split, and with them their labels."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ....errors import DataError
from ....files.images import IMAGE_SUFFIXES
from ...folders import read_list
from ...found_files import images_in
from ...splits import looks_like_a_split, split_lists
from ..boxes.paths import (
    ImageFinder,
    child,
    path_parts,
    split_of,
    tail_inside,
    visible_files,
)
from ..boxes.records import FoundBoxes
from ..detection_annotations import Split
from .description import Description, describe, split_folders
from .labels import YoloReader, label_folder, unused_labels

YOLO_LAYOUT = """\
YOLO  data.yaml (Ultralytics, Roboflow), obj.data (darknet) or classes.txt in ROOT; the images in
      images/{split}/, {split}/images/, {split}/ or images/, the labels (boxes or polygons) in
      labels/ instead of images/, or beside the images; or lists of them, train.txt, val.txt and
      test.txt, in ROOT"""
_LIST_FOLDERS = ("", "data", "imagesets", "imagesets/main")


def find_yolo(root: Path) -> FoundBoxes | None:
    """The data, if `root` holds YOLO's; DataError for labels that cannot be understood."""
    described = describe(root)
    if described is None:
        return None
    if not images_in(root):
        raise DataError(f"{root}: a YOLO folder without images; add images/ beside labels/")
    notes = list(described.notes)
    images: dict[str, list[Path]] = {}
    for split, sources in described.sources.items():
        images[split] = _images_of(root, split, sources, described, notes)
    if not described.sources:
        images = {split: images_in(folder) for split, folder in split_folders(root).items()}
        if not any(images.values()):
            lists = _lists(root).items()
            images = {split: list(dict.fromkeys(_listed(root, path))) for split, path in lists}
        if not any(images.values()):
            folder = child(root, "images")
            images = {"train": images_in(folder if folder.is_dir() else root)}
    reader = YoloReader(root, described.names, described.num_keypoints)
    splits: dict[str, Split] = {}
    unlabelled: dict[str, Path] = {}
    for split, paths in images.items():
        read = reader.read(paths, described.file)
        if read:
            splits[split] = read
        elif split == "train":
            raise DataError(_no_labels(root, paths, described.file))
        else:
            notes.append(f"{split} left aside: none of its {len(paths)} images has a label file")
            unlabelled[split] = paths[0].parent if paths else described.file
    if "train" not in splits:
        beside = ", ".join(images)
        raise DataError(f"{described.file}: there is no train split beside {beside}; add one")
    notes += reader.notes()
    if unused := unused_labels([path for paths in images.values() for path in paths], root):
        notes.append(f"not used: {len(unused)} label files without an image, first {unused[0]}")
    order = f"as {described.file.name} orders them"
    return FoundBoxes("yolo", described.names, order, splits, tuple(notes), unlabelled)


def _lists(root: Path) -> dict[str, Path]:
    """The lists of the splits' images; DataError for one in ROOT by another name."""
    listed = split_lists(root, _LIST_FOLDERS)
    if found := {split: path for split, path in listed.items() if _names_images(root, path)}:
        return found
    for path in visible_files(root.glob("*.txt"), root):
        if looks_like_a_split(path.stem) and _names_images(root, path):
            raise DataError(
                f"{path}: looks like the list of a split by another name, whose images would all "
                "be trained on; name the lists train.txt, val.txt and test.txt"
            )
    return {}


def _names_images(root: Path, file: Path) -> bool:
    """Whether a text file is a list of images; it may be the label of an image called train."""
    lines = (line.lower().endswith(IMAGE_SUFFIXES) for line in read_list(file))
    return any(lines) or any(map(os.path.isfile, _listed(root, file)))


def _images_of(
    root: Path, split: str, sources: Sequence[str], described: Description, notes: list[str]
) -> list[Path]:
    """The images of a split's folders and lists; a note where they lie elsewhere than written."""
    images: list[Path] = []
    for written in sources:
        path = _place_of(root, described.base, written)
        if path is None and not written.endswith(".txt"):
            path = split_folders(root).get(split)
        if path is None:
            if split == "test":
                notes.append(f"test left aside: {written} is not there")
                continue
            raise DataError(
                f"{described.file}: {split} is {written!r}, which is not below {root}; correct it"
            )
        if path.relative_to(root).parts[-len(path_parts(written)) :] != tuple(path_parts(written)):
            name = path.relative_to(root)
            notes.append(f"{split}: read {name}, as {described.file.name}'s {written} is not there")
        images += _listed(root, path) if path.is_file() else images_in(path)
    if sources and not images and split != "test":
        raise DataError(f"{described.file}: {split} has no image in {', '.join(sources)}; add some")
    return list(dict.fromkeys(images))


def _place_of(root: Path, base: str, written: str) -> Path | None:
    """The folder or list that is meant; None if it is not below `root`.

    The end of a path that has lost the split's name would be another folder: of val/images, which
    is not there, images/ is no part.
    """
    parts = path_parts(written)
    if not parts and ".." in written:
        return None
    folders = dict.fromkeys((tail_inside(root, base) or root, root))
    if exact := next((f.joinpath(*parts) for f in folders if f.joinpath(*parts).exists()), None):
        return exact
    tail = tail_inside(root, written)
    if tail is None or (split_of(parts) and not split_of(tail.relative_to(root).parts)):
        return None
    inner = child(tail, "images")
    return inner if inner.is_dir() else tail


def _listed(root: Path, file: Path) -> Iterable[Path]:
    """The images of a list; one that is missing is where it should be, for the checks to report."""
    finder = ImageFinder(root)
    for line in read_list(file):
        path = tail_inside(file.parent, line) or tail_inside(root, line)
        if path is None or path.suffix.lower() not in IMAGE_SUFFIXES:
            path = root / finder.find(line, file.parent)
        yield path if path.is_file() else root.joinpath(*path_parts(line))


def _no_labels(root: Path, images: Sequence[Path], file: Path) -> str:
    folder = label_folder(images[0].parent, root) or images[0].parent
    return (
        f"{root}: a YOLO folder without labels: {len(images)} training images, but no text file "
        f"of an image's name in {folder}; add them"
    )
