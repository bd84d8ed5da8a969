"""Find images with masks in a folder: the layouts of many tools, and the splits in each."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import DataError
from ...files.modality_files import Modality
from ..detection.find_coco import coco_files
from ..detection.find_voc import voc_base
from ..folders import folder_below, read_list
from ..formats.masks.pairs import (
    MaskSplit,
    holds_images,
    holds_masks,
    number_of_images,
    paired,
)
from ..found_files import paths_below, walk
from ..modalities.names import folder_names
from ..splits import SPLIT_WORDS, looks_like_a_split, split_lists

_FOLDERS = (
    *(("images", masks) for masks in ("masks", "labels", "annotations")),
    ("img_dir", "ann_dir"),
    *(("JPEGImages", masks) for masks in ("SegmentationClassPNG", "SegmentationClass")),
)
_UNFIT = {
    **dict.fromkeys((".jpg", ".jpeg", ".webp"), "JPEG or WebP has invented values at every border"),
    ".gif": "GIF may number its colours anew",
    **dict.fromkeys((".npy", ".npz", ".mat"), "an array is not read"),
}
_MASK_FOLDERS = {masks.lower() for _, masks in _FOLDERS}
Layouts = Sequence[tuple[str, str]]
_BESIDE_MODALITIES = ("masks", "labels", "annotations", "Segmentation_labels")  # MSRS's the last
_ALL_WORDS = ("trainval", "default", "all")  # lists for training where there is none called train


@dataclass(frozen=True)
class FoundMasks:
    """The splits of a folder, what was decided, and whether VOC's own lists name them."""

    splits: dict[str, MaskSplit]
    notes: tuple[str, ...] = ()
    voc_lists: bool = False
    aside: Path | None = None  # the folder of a split that was left aside


def find_masks(root: Path, modalities: Sequence[Modality] = ()) -> FoundMasks | None:
    """The images with masks in `root`; None if there are none.

    Of several `modalities`, the images are those of the first.

    Raises:
        DataError: for folders that can be understood in two ways.
    """
    layouts = _layouts(root, modalities)
    both = next(_folders(root, layouts), None)
    return (
        _of_lists(root, both, ("imagesets/segmentation",))
        or _of_split_folders(root, layouts)
        or _of_lists(root, both, ("imagesets/main", "imagesets", ""))
        or _all_for_training(root, both)
    )


def _layouts(root: Path, modalities: Sequence[Modality]) -> list[tuple[str, str]]:
    """The names of folders of images and of masks.

    Beside COCO's instances, the PNGs in annotations/ are its panoptic or stuff maps.
    """
    names = folder_names(modalities[0], modalities) if modalities else ()
    pairs = [*((images, masks) for images in names for masks in _BESIDE_MODALITIES), *_FOLDERS]
    is_coco = bool(coco_files(root, modalities))
    return [pair for pair in pairs if pair[1] != "annotations" or not is_coco]


def _folders(root: Path, layouts: Layouts) -> Iterator[tuple[Path, Path]]:
    """Folders of images with their folders of masks."""
    for base in dict.fromkeys((root, voc_base(root))):
        for pair in layouts:
            images, masks = (folder_below(base, name) for name in pair)
            if images and masks and holds_masks(images, masks):
                yield images, masks


def _of_lists(
    root: Path, folders: tuple[Path, Path] | None, list_folders: Sequence[str]
) -> FoundMasks | None:
    """The splits of the lists in the first of `list_folders` that has one."""
    found = split_lists(voc_base(root), list_folders, _ALL_WORDS) if folders else {}
    if not found:
        return None
    images, masks = folders
    names = {split: list(_without_folders(path, images)) for split, path in found.items()}
    notes = []
    alone = next((word for word in _ALL_WORDS if word in found), None)
    if alone and "train" not in found:  # what the other lists name is not for training
        others = {name for split in names.keys() - {alone} for name in names[split]}
        found["train"] = found[alone]
        names["train"] = [name for name in names[alone] if name not in others]
        if without := len(names[alone]) - len(names["train"]):
            notes.append(f"train is {found[alone].name} without {without} images of other lists")
    splits = {}
    for split in [split for split in SPLIT_WORDS if split in found]:
        path = found[split]
        if not names[split] and split != "train":
            notes.append(f"{split} is left aside: {path} has no image")
            continue
        if not names[split]:
            raise DataError(f"{path}: lists no image to train on; add their names")
        part = paired(images, masks, names[split], f"{path} lists it")
        if split == "test" and not part.names:
            notes.append(_left_aside(len(part.lost)))
        else:
            splits[split] = part
    named = {path.stem for path in found.values()} & {"train", "val", "trainval"}
    voc_lists = bool(named) and path.parent.name.lower() == "segmentation"
    return FoundMasks(splits, tuple(notes), voc_lists) if splits else None


def _of_split_folders(root: Path, layouts: Layouts) -> FoundMasks | None:
    """The splits of the first layout with a folder of images and one of masks for each."""
    patterns = [(f"{i}/{{}}", f"{m}/{{}}") for i, m in layouts]
    patterns += [(f"{{}}/{i}", f"{{}}/{m}") for i, m in layouts]
    patterns += [(f"{{}}_{i}", f"{{}}_{m}") for i, m in layouts]
    patterns += [("{}", f"{{}}{tail}") for tail in ("annot", "_labels", "_masks", "")]
    for images, masks in patterns:
        folders = _split_folders(root, images, masks)
        if any(holds_masks(*pair) for pair in folders.values()):
            notes, aside = (), None
            if "test" in folders and not holds_masks(*folders["test"]):
                aside, _ = folders.pop("test")
                notes = (_left_aside(number_of_images(aside)),)
            splits = {split: paired(*pair) for split, pair in folders.items()}
            return FoundMasks(splits, notes, aside=aside)
    return None


def _all_for_training(root: Path, both: tuple[Path, Path] | None) -> FoundMasks | None:
    """One folder of images and one of masks, or both in one: masks are called IMAGE_mask.png."""
    if both:
        _refuse_other_splits(both[0])
    else:
        alone = (folder for folder in (folder_below(root, "images"), root) if folder)
        both = next(((f, f) for f in alone if holds_masks(f, f)), None)
    if both is None:
        return None
    _refuse_lists(root, both[0])
    return FoundMasks({"train": paired(*both)})


def _split_folders(root: Path, images: str, masks: str) -> dict[str, tuple[Path, Path]]:
    """The folders of images and of masks of every split; DataError for two of one split."""
    found: dict[str, tuple[Path, Path]] = {}
    for split, words in SPLIT_WORDS.items():
        for word in words:
            image_dir = folder_below(root, images.format(word))
            if image_dir and split in found:
                both = f"{found[split][0]} and {image_dir}"
                raise DataError(f"{both}: are two folders for {split}; move one of them away")
            if image_dir:
                named = (masks.format(other) for other in (word, *words))
                places = (place for name in named if (place := folder_below(root, name)))
                found[split] = image_dir, next(places, root / masks.format(word))
    return found


def _refuse_other_splits(images: Path) -> None:
    for folder in sorted(images.iterdir()):
        if folder.is_dir() and folder.name.lower().startswith(tuple(SPLIT_WORDS)):
            words = ", ".join(word for words in SPLIT_WORDS.values() for word in words)
            raise DataError(
                f"{folder}: looks like a split by another name, and would be mixed with the "
                f"others; name the folders of images and masks {words}"
            )


def _refuse_lists(root: Path, images: Path) -> None:
    """Raise DataError for a list of a split that would be passed over, all images trained on."""
    sets = folder_below(voc_base(root), "ImageSets")
    for path in sorted([*root.glob("*.txt"), *(paths_below(sets, (".txt",)) if sets else ())]):
        if looks_like_a_split(path.stem) and holds_images(images, _without_folders(path, images)):
            raise DataError(
                f"{path}: looks like the list of a split by another name, whose images would all "
                "be trained on; name the lists train.txt, val.txt and test.txt"
            )


def _left_aside(images: int) -> str:
    return f"test left aside: none of its {images} images has a mask"


def _without_folders(path: Path, images: Path) -> Iterable[str]:
    """The names in a list, without the folder of images that some tools write before them."""
    for line in read_list(path):
        name = "/" + line.replace("\\", "/")
        yield name.rpartition(f"/{images.name}/")[2].removeprefix("/")


def unplaced_masks(root: Path) -> str | None:
    """A line for a folder that is called as one of masks, in no layout; None if there is none."""
    for start, names in walk(root):
        name = start.rstrip("/").rpartition("/")[2].lower()
        if name in _MASK_FOLDERS and any(file.lower().endswith(".png") for file in names):
            return f"{root / start}: seems to hold masks, but in no layout that is known"
    return None


def unfit_masks(root: Path) -> str | None:
    """A line for masks in files of which none can be read; None if there are none such."""
    for start, names in walk(root):
        parts = start.lower().split("/")[:-1]
        beside = not _MASK_FOLDERS & set(parts) and not "".join(parts[-1:]).endswith("annot")
        for name in names:
            stem, suffix = os.path.splitext(name.lower())
            if suffix in _UNFIT and (not beside or stem.endswith("_mask")):
                return (
                    f"{root / start / name}: a mask as {_UNFIT[suffix]}; save the number of its "
                    "class in every pixel, as PNG"
                )
    return None
