"""Find detection data in a folder: its layout, its classes and its splits."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ...errors import DataError
from ..folders import user_folder
from ..formats.coco import read_coco, with_categories
from ..formats.detection_annotations import DetectionData, Split
from ..formats.voc import read_voc

LAYOUTS = """\
COCO  annotations/*{train,val,test}*.json; the images in images/, images/{split}/, {split}/ or a
      folder named as the json's suffix (train2017/)
      {train,valid,test}/_annotations.coco.json with the images beside it
      a lone annotations.json, instances.json, instances_{all,default}.json, result.json or
      _annotations.coco.json, in ROOT or annotations/
VOC   VOC20xx/ or VOCdevkit/VOC20xx/ (one year), or in ROOT itself
      JPEGImages/ + Annotations/, with or without ImageSets/Main/{train,val,trainval,test}.txt
      images/ + annotations/ of xml files, or xml files beside the images
There must be a train split (a lone file or folder is one); valid and validation mean val."""

_SPLIT_OF = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_SPLIT_WORD = re.compile(
    r"(?:^|[_.-])((train|validation|valid|val|test)(?![a-z]).*)", re.IGNORECASE
)
_LONE = (
    *("annotations.json", "instances.json", "instances_all.json", "instances_default.json"),
    *("result.json", "_annotations.coco.json"),
)
_NOT_BOXES = ("captions_", "image_info_", "panoptic_", "person_keypoints_", "stuff_")


def find_detection_data(
    root: str | os.PathLike, classes: Sequence[str] | None = None
) -> DetectionData:
    """Find the data in the folder `root`, in one of `LAYOUTS`; nothing is written.

    Args:
        classes: the classes to keep; all by default. VOC takes their order. COCO keeps the order
            of the json, as loaders number the categories by it.

    Raises:
        DataError: if there is no such data, a file of it cannot be read, or the splits disagree.
    """
    root = user_folder(root)
    if files := coco_files(root):
        return _coco_data(root, files, classes)
    if folders := _voc_folders(root):
        return _voc_data(root, *folders, classes)
    state = "neither COCO nor VOC data" if any(root.iterdir()) else "an empty folder"
    raise DataError(f"{root}: {state}; arrange it as one of: {' '.join(LAYOUTS.split())}")


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


def _coco_data(root: Path, files: dict[str, Path], classes: Sequence[str] | None) -> DetectionData:
    first = _require_train(files, root / "annotations" / "instances_train.json")
    contents = {split: read_coco(path) for split, path in files.items()}
    names = {s: [c["name"] for c in content["categories"]] for s, content in contents.items()}
    chosen = _choose(names["train"], classes, first)
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
    notes += _class_notes(kept, f"as {first.name} orders them", contents["train"])
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


def voc_base(root: Path) -> Path:
    """The folder of the year (VOC2007, ...) in `root`, or `root` itself; DataError for several."""
    years = sorted([*root.glob("VOC20[0-9][0-9]"), *root.glob("VOCdevkit/VOC20[0-9][0-9]")])
    if len(years) > 1:
        raise DataError(f"{root}: has several VOC years; give {' or '.join(map(str, years))}")
    return years[0] if years else root


def _voc_folders(root: Path) -> tuple[Path, Path, Path] | None:
    """The folders of the lists, of the images and of the xml files; None if it is not VOC."""
    base = voc_base(root)
    for images, xmls in (("JPEGImages", "Annotations"), ("images", "annotations"), ("", "")):
        if (base / images).is_dir() and any((base / xmls).glob("*.xml")):
            return base / "ImageSets" / "Main", base / images, base / xmls
    return None


def _voc_data(
    root: Path, list_dir: Path, image_dir: Path, xml_dir: Path, classes: Sequence[str] | None
) -> DetectionData:
    stems = ("train", "val", "test", "trainval")
    files = {stem: path for stem in stems if (path := list_dir / f"{stem}.txt").is_file()}
    trainval = files.pop("trainval", None)
    if trainval and not files.keys() & {"train", "val"}:
        files = {"train": trainval, **files}
    source = f"the lists {', '.join(path.name for path in files.values())} of {list_dir}"
    if not files:
        files, source = {"train": None}, f"no lists in {list_dir}, so every xml is for training"
    _require_train(files, list_dir / "train.txt")
    contents = {split: read_voc(path, xml_dir, image_dir) for split, path in files.items()}
    known = {c["name"] for content in contents.values() for c in content["categories"]}
    kept = tuple(_choose(sorted(known), classes, xml_dir))
    splits = {
        split: Split(with_categories(contents[split], kept), image_dir, None, path or xml_dir)
        for split, path in files.items()
    }
    notes = [f"format voc: found xml files in {xml_dir} and {source}"]
    notes += _class_notes(kept, "as given" if classes else "in sorted order", contents["train"])
    return DetectionData(root, "voc", kept, splits, (*notes, *count_notes(splits, kept)))


def _require_train(files: dict[str, Path], expected: Path) -> Path:
    if "train" not in files:
        found = ", ".join(map(str, files.values()))
        raise DataError(f"{expected}: there is no train split beside {found}; add this file")
    return files["train"]


def _choose(names: Sequence[str], classes: Sequence[str] | None, source: Path) -> Sequence[str]:
    """`classes`, or all `names` of `source` if None; raises DataError for a bad name."""
    for name, count in Counter(names).items():
        if count > 1 or not isinstance(name, str):
            raise DataError(f"{source}: class {name!r} is listed twice or not text; rename it")
    for name, count in Counter(classes).items():
        if name not in names:
            raise DataError(f"{source}: has no class {name!r}; choose among {', '.join(names)}")
        if count > 1:
            raise DataError(f"{source}: class {name!r} is chosen twice; name it once")
    return names if classes is None else classes


def _class_notes(classes: tuple[str, ...], order: str, train: dict) -> list[str]:
    """What to know of the classes, given the train split."""
    counts = Counter(_object_names(train))
    notes = [f"{len(classes)} classes, {order}: {', '.join(classes)}"]
    if absent := [name for name in classes if not counts[name]]:
        notes.append(f"classes without a training object: {', '.join(absent)}")
    if dropped := sum(count for name, count in counts.items() if name not in classes):
        notes.append(f"dropped: {dropped} training objects of other classes")
    return notes


def count_notes(splits: dict[str, Split], classes: tuple[str, ...]) -> list[str]:
    """A line a split: how many images and how many objects of `classes`."""
    lines = []
    for name, split in splits.items():
        content = split.content
        labels = _object_names(content)
        pairs = zip(content["annotations"], labels, strict=True)
        used = [record["image_id"] for record, label in pairs if label in classes]
        empty = len({image["id"] for image in content["images"]} - set(used))
        without = f", {empty} images without one" if empty else ""
        lines.append(f"{name}: {len(content['images'])} images, {len(used)} objects{without}")
    return lines


def _object_names(content: dict) -> list[str | None]:
    names = {category["id"]: category["name"] for category in content["categories"]}
    return [names.get(record["category_id"]) for record in content["annotations"]]
