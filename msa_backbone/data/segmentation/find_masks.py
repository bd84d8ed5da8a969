"""Find images with masks in a folder: the layouts of many tools, and the splits in each."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...errors import DataError
from ..detection.find_coco import coco_files
from ..detection.find_voc import voc_base
from ..folders import folder_below, read_list
from ..formats.masks.pairs import MaskSplit, holds_masks, number_of_images, paired
from ..splits import SPLIT_OF, SPLIT_WORDS

VOC_FOLDERS = (("JPEGImages", "SegmentationClassPNG"), ("JPEGImages", "SegmentationClass"))
_FOLDERS = (
    *(("images", masks) for masks in ("masks", "labels", "annotations")),
    ("img_dir", "ann_dir"),
    *VOC_FOLDERS,
)
_LIST_WORDS = {"trainval": "train", "default": "train", "all": "train"}  # without a train list


@dataclass(frozen=True)
class FoundMasks:
    """The splits of a folder, what was decided, and whether VOC's own lists name them."""

    splits: dict[str, MaskSplit]
    notes: tuple[str, ...] = ()
    voc_lists: bool = False


def find_masks(root: Path) -> FoundMasks | None:
    """The images with masks in `root`; None if there are none.

    Raises:
        DataError: for folders that can be understood in two ways.
    """
    return _of_lists(root) or _of_folders(root) or _of_one_folder(root)


def _of_lists(root: Path) -> FoundMasks | None:
    """The splits of the lists in ImageSets/Segmentation, as VOC has them."""
    base = voc_base(root)
    list_dir = folder_below(base, "ImageSets/Segmentation")
    folders = [
        (folder_below(base, images), folder_below(base, masks)) for images, masks in VOC_FOLDERS
    ]
    folders = [pair for pair in folders if all(pair) and holds_masks(*pair)]
    if not list_dir or not folders:
        return None
    images, masks = folders[0]
    found: dict[str, Path] = {}
    for path in sorted(list_dir.iterdir()):
        if path.suffix.lower() == ".txt" and (split := SPLIT_OF.get(path.stem.lower())):
            if split in found:
                raise DataError(f"{path}: lists {split}, as {found[split]} does; keep one of them")
            found[split] = path
    for word, split in _LIST_WORDS.items():
        lists = [path for path in list_dir.iterdir() if path.name.lower() == f"{word}.txt"]
        if lists and split not in found:
            found = {split: lists[0], **found}
    voc_lists = any(path.stem in ("train", "val", "trainval") for path in found.values())
    splits, notes = {}, []
    for split in [split for split in SPLIT_WORDS if split in found]:
        path = found[split]
        part = paired(images, masks, _without_folders(path, images), f"{path} lists it")
        if split == "test" and not part.names:
            notes.append(_left_aside(len(part.lost)))
        else:
            splits[split] = part
    return FoundMasks(splits, tuple(notes), voc_lists) if splits else None


def _of_folders(root: Path) -> FoundMasks | None:
    """The splits of the first layout with a folder of images and one of masks."""
    # Beside COCO's instances, the PNGs in annotations/ are its panoptic or stuff maps.
    known = [pair for pair in _FOLDERS if pair[1] != "annotations" or not coco_files(root)]
    patterns = [(f"{i}/{{}}", f"{m}/{{}}") for i, m in known]
    patterns += [(f"{{}}/{i}", f"{{}}/{m}") for i, m in known]
    patterns += [("{}", f"{{}}{tail}") for tail in ("annot", "_labels", "_masks", "")]
    for images, masks in patterns:
        folders = _split_folders(root, images, masks)
        if any(holds_masks(*pair) for pair in folders.values()):
            notes = []
            if "test" in folders and not holds_masks(*folders["test"]):
                notes = [_left_aside(number_of_images(folders.pop("test")[0]))]
            splits = {split: paired(*pair) for split, pair in folders.items()}
            return FoundMasks(splits, tuple(notes))
    for base in dict.fromkeys((root, voc_base(root))):
        for pair in known:
            images, masks = (folder_below(base, name) for name in pair)
            if images and masks and holds_masks(images, masks):
                _refuse_other_splits(images)
                return FoundMasks({"train": paired(images, masks)})
    return None


def _of_one_folder(root: Path) -> FoundMasks | None:
    """All for training: masks beside their images, called IMAGE_mask.png."""
    for folder in (folder_below(root, "images"), root):
        if folder and holds_masks(folder, folder):
            return FoundMasks({"train": paired(folder, folder)})
    return None


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
                mask_dir = folder_below(root, masks.format(word)) or root / masks.format(word)
                found[split] = image_dir, mask_dir
    return found


def _refuse_other_splits(images: Path) -> None:
    for folder in sorted(images.iterdir()):
        if folder.is_dir() and folder.name.lower().startswith(tuple(SPLIT_WORDS)):
            words = ", ".join(word for words in SPLIT_WORDS.values() for word in words)
            raise DataError(
                f"{folder}: looks like a split by another name, and would be mixed with the "
                f"others; name the folders of images and masks {words}"
            )


def _left_aside(images: int) -> str:
    return f"test left aside: none of its {images} images has a mask"


def _without_folders(path: Path, images: Path) -> Iterable[str]:
    """The names in a list, without the folder of images that some tools write before them."""
    for line in read_list(path):
        name = line.replace("\\", "/")
        yield name.rpartition(f"{images.name}/")[2]
