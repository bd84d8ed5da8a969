"""Find semantic segmentation data in a folder: images with index masks, VOC, or COCO instances.

An index mask is a PNG of its image's size; a pixel holds the number of its class, from 0 on, or 255
for "ignore".
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import DataError
from ..detection.find import find_detection_data
from ..detection.find_coco import coco_files
from ..detection.find_voc import voc_base
from ..detection.index import make_val_split
from ..folders import read_list, user_folder
from ..formats.detection_annotations import DetectionData
from ..formats.drawn_masks import mask_classes, masks_to_draw
from ..formats.index_masks import (
    IGNORE_INDEX,
    IGNORED_NAMES,
    MaskSplit,
    class_names,
    holds_masks,
    mask_palette,
    paired,
)
from ..splits import SPLIT_WORDS, choose_val

SEGMENTATION_LAYOUTS = """\
images  images/ + masks/ (or img_dir/ + ann_dir/; labels/ or annotations/ for masks/), each with or
masks   without train/, val/, test/; {train,val,test}/images/ + {train,val,test}/masks/;
        {train,val,test}/ + {train,val,test}annot/ (SegNet's CamVid)
VOC     JPEGImages/ + SegmentationClass/ + ImageSets/Segmentation/{train,val,test}.txt
COCO    as for detection, with segmentations: masks are drawn from the instances, 0 is background
Class names: a line each in ROOT/classes.txt (or labels.txt), in the order of the masks' values, or
--classes; VOC's 21 and COCO's are known. 255 in a mask means "ignore", and so does the value of a
class named void, ignore or unlabelled."""

_FOLDERS = (
    *(("images", masks) for masks in ("masks", "labels", "annotations")),
    ("img_dir", "ann_dir"),
    ("JPEGImages", "SegmentationClass"),
)


@dataclass(frozen=True)
class SegmentationData:
    """The data of the folder `root`."""

    root: Path
    classes: tuple[str, ...]  # in the order of a model's outputs
    palette: tuple[tuple[int, int, int], ...] | None  # RGB in 0..255, where the masks bring colours
    splits: dict[str, MaskSplit]  # by name: train, val and perhaps test
    notes: tuple[str, ...]  # what the user should know: what was decided and why
    label_map: dict[int, int]  # the class, or `IGNORE_INDEX`, of every value in the masks
    instances: DetectionData | None = None  # what the masks are drawn from; None if there are masks


def find_segmentation_data(
    root: str | os.PathLike, classes: Sequence[str] | None = None
) -> SegmentationData:
    """Find the data in `root`, in one of `SEGMENTATION_LAYOUTS`; nothing is written.

    Without a val split, a seeded tenth of train becomes one.

    Args:
        classes: names in the order of the masks' values; of COCO data, the classes to keep.

    Raises:
        DataError: if there is no such data, an image has no mask, or the class names are unknown.
    """
    root = user_folder(root)
    if found := _voc_splits(root) or _folder_splits(root):
        return _mask_data(root, found, classes)
    if coco_files(root):
        return masks_of_instances(make_val_split(find_detection_data(root, classes)))
    layouts = " ".join(SEGMENTATION_LAYOUTS.split())
    raise DataError(f"{root}: no segmentation data; arrange it as one of: {layouts}")


def _voc_splits(root: Path) -> dict[str, MaskSplit]:
    """The splits of the lists in ImageSets/Segmentation; empty if there are none."""
    base = voc_base(root)
    list_dir = base / "ImageSets" / "Segmentation"
    lists = {name: list_dir / f"{name}.txt" for name in ("train", "val", "test")}
    if not lists["train"].is_file():
        lists["train"] = list_dir / "trainval.txt"
    images, masks = base / "JPEGImages", base / "SegmentationClass"
    splits = {}
    for split, path in lists.items():
        if path.is_file():
            names = read_list(path)
            if split != "test" or any((masks / f"{name}.png").is_file() for name in names):
                splits[split] = paired(images, masks, names, f"{path} lists it")
    return splits


def _folder_splits(root: Path) -> dict[str, MaskSplit]:
    """The splits of the first layout that fits; empty if none does."""
    # Beside COCO's instances, the PNGs in annotations/ are its panoptic or stuff maps.
    known = [pair for pair in _FOLDERS if pair[1] != "annotations" or not coco_files(root)]
    patterns = [(f"{i}/{{}}", f"{m}/{{}}") for i, m in known]
    patterns += [(f"{{}}/{i}", f"{{}}/{m}") for i, m in known]
    patterns += [("{}", f"{{}}{tail}") for tail in ("annot", "_labels", "_masks")]
    for images, masks in patterns:
        folders = {
            split: (root / images.format(word), root / masks.format(word))
            for split, words in SPLIT_WORDS.items()
            for word in words
            if (root / images.format(word)).is_dir()
        }
        if any(holds_masks(mask_dir) for _, mask_dir in folders.values()):
            # A test split is often published without its masks.
            folders = {s: f for s, f in folders.items() if s != "test" or holds_masks(f[1])}
            return {split: paired(*pair) for split, pair in folders.items()}
    for images, masks in known:
        if (root / images).is_dir() and holds_masks(root / masks):
            for folder in sorted((root / images).iterdir()):
                if folder.is_dir() and folder.name.lower().startswith(tuple(SPLIT_WORDS)):
                    words = ", ".join(word for words in SPLIT_WORDS.values() for word in words)
                    raise DataError(
                        f"{folder}: looks like a split by another name, and would be mixed with "
                        f"the others; name the folders of images and masks {words}"
                    )
            return {"train": paired(root / images, root / masks)}
    return {}


def _mask_data(
    root: Path, splits: dict[str, MaskSplit], classes: Sequence[str] | None
) -> SegmentationData:
    if "train" not in splits:
        raise DataError(f"{root}: has {', '.join(splits)} but no train split; add one")
    train = splits["train"]
    first = train.mask(train.names[0])
    notes = [f"format masks: images in {train.image_dir}, masks in {train.mask_dir}"]
    values, origin = class_names(root, first, classes, voc=train.mask_dir.name in _FOLDERS[-1])
    names = tuple(name for name in values if name.lower() not in IGNORED_NAMES)
    label_map = {
        value: names.index(name) if name in names else IGNORE_INDEX
        for value, name in enumerate(values)
    }
    notes.append(f"{len(names)} classes, {origin}: {', '.join(names)}")
    notes += [f"{values[v]} ({v}) is ignored" for v in label_map if values[v] not in names]
    notes += [f"{name}: {len(split.names)} images" for name, split in splits.items()]
    if "val" not in splits:
        chosen = choose_val(root, train.names)
        parts = {"train": set(train.names) - chosen, "val": chosen}
        made = {name: replace(train, names=tuple(sorted(part))) for name, part in parts.items()}
        splits = splits | made
        notes.append(f"val is {len(chosen)} of the {len(train.names)} training images (seed 0)")
    colours = mask_palette(first, len(values))
    palette = tuple(colours[v] for v in label_map if values[v] in names) if colours else None
    return SegmentationData(root, names, palette, splits, tuple(notes), label_map)


def masks_of_instances(instances: DetectionData) -> SegmentationData:
    """Semantic data whose masks are drawn from instances, behind a background class.

    Raises:
        DataError: for names or numbers of classes that index masks cannot follow.
    """
    splits = {name: masks_to_draw(split) for name, split in instances.splits.items()}
    classes = mask_classes(instances)
    notes = (*instances.notes, "masks are drawn from the instances, class 0 is background")
    label_map = {value: value for value in range(len(classes))}
    return SegmentationData(instances.root, classes, None, splits, notes, label_map, instances)
