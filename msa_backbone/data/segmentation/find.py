"""Find semantic segmentation data in a folder: images with masks, or objects that have masks.

An index mask is a PNG of its image's size; a pixel holds the number of its class, from 0 on, or 255
for "ignore". A mask in colours shows the colour of its class, which labelmap.txt names.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import DataError, first_and_count
from ...files.modality_files import Modality
from ..detection.classes import require_read
from ..detection.find import read_detection_data
from ..detection.index import make_val_split
from ..folders import user_folder
from ..formats.boxes.recognised import recognised_format
from ..formats.detection_annotations import DetectionData
from ..formats.drawn_masks import mask_classes, masks_to_draw
from ..formats.index_masks import IGNORE_INDEX, IGNORED_NAMES, is_readable, mask_palette
from ..formats.masks.class_names import ClassNames, class_names
from ..formats.masks.colours import is_in_colours
from ..formats.masks.labelmap import Colour
from ..formats.masks.pairs import MaskSplit
from ..found_files import unused_images
from ..hidden_splits import check_hidden_splits
from ..splits import choose_val
from .find_masks import FoundMasks, find_masks, unfit_masks, unplaced_masks

SEGMENTATION_LAYOUTS = """\
images    images/ + masks/ (or img_dir/ + ann_dir/; labels/ or annotations/ for masks/), each with
masks     or without train/, val/, test/; {train,val,test}/images/ + {train,val,test}/masks/;
          {train,val,test}/ + {train,val,test}annot/ (SegNet's CamVid); {train,val,test}_images/ +
          {train,val,test}_masks/; or lists of the images, train.txt, val.txt and test.txt, in ROOT
          or ImageSets/, with or without their masks
Roboflow  {train,valid,test}/ with IMAGE.jpg and IMAGE_mask.png, and _classes.csv
VOC       JPEGImages/ + SegmentationClass/ + ImageSets/Segmentation/{train,val,test}.txt; CVAT's
          with labelmap.txt, masks in its colours or as index; labelme2voc's with class_names.txt
objects   as for detection, with masks or polygons: index masks are drawn of them, 0 is background
Class names: a line each in ROOT/classes.txt (or labels.txt), in the order of the masks' values, or
--classes; VOC's 21 and COCO's are known. 255 in a mask means "ignore", and so does the value of a
class named void, ignore or unlabelled."""


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
    colours: dict[Colour, int] | None = None  # the value of each, where the masks show colours

    @property
    def image_files(self) -> dict[str, list[Path]]:
        """The images of every split."""
        return {n: [split.image(name) for name in split.names] for n, split in self.splits.items()}


def find_segmentation_data(
    root: str | os.PathLike,
    classes: Sequence[str] | None = None,
    complete: bool = True,
    modalities: Sequence[Modality] = (),
) -> SegmentationData:
    """Find the data in `root`, in one of `SEGMENTATION_LAYOUTS`; nothing is written.

    Without a val split, a seeded tenth of train becomes one.

    Args:
        classes: names in the order of the masks' values; of COCO data, the classes to keep.
        complete: whether an image without a mask is an error; if not, it is left out, and `lost`
            of its split has a line. So has `unread` of a split of instances for a spoilt record.
        modalities: of several, the data are those of the first; where its images lie depends on
            their names.

    Raises:
        DataError: if there is no such data, an image has no mask, or the class names are unknown.
    """
    root = user_folder(root)
    if found := find_masks(root, modalities):
        lost = [line for split in found.splits.values() for line in split.lost]
        train = found.splits.get("train")
        if lost and (complete or (train and not train.names)):
            raise DataError(first_and_count(lost, "more like it"))
        images = {
            name: [str(split.image(n)) for n in split.names] for name, split in found.splits.items()
        }
        notes = check_hidden_splits(root, images)
        data = _mask_data(root, found, classes)
        notes += [] if modalities else _unused(data, found)
        return replace(data, notes=(*data.notes, *notes))
    if instances := read_detection_data(root, classes, modalities):
        read = require_read(instances) if complete else instances
        return masks_of_instances(make_val_split(read))
    if line := unfit_masks(root) or recognised_format(root):
        raise DataError(line)
    state = unplaced_masks(root) or (
        f"{root}: no segmentation data, neither masks nor objects to draw them from"
    )
    raise DataError(
        f"{state}; arrange it as images/ + masks/, or in another layout that --help lists"
    )


def _unused(data: SegmentationData, found: FoundMasks) -> list[str]:
    """A note of the images that are in no split; what lies beside the masks is a mask."""
    splits = data.splits.values()
    used = [str(path) for s in splits for n in s.names for path in (s.image(n), s.mask(n))]
    aside = [split.mask_dir for split in splits if split.mask_dir != split.image_dir]
    return unused_images(data.root, used, [*aside, *([found.aside] if found.aside else [])])


def _mask_data(root: Path, found: FoundMasks, classes: Sequence[str] | None) -> SegmentationData:
    splits = found.splits
    if "train" not in splits:
        raise DataError(f"{root}: has {', '.join(splits)} but no train split; add one")
    train = splits["train"]
    masks = [train.mask(name) for name in train.names]
    first = next(filter(is_readable, masks), masks[0])
    notes = [f"format masks: images in {train.image_dir}, masks in {train.mask_dir}"]
    named = class_names(root, _places(root, splits), first, classes, found.voc_lists)
    values = named.names
    names = tuple(name for name in values.values() if name.lower() not in IGNORED_NAMES)
    label_map = {
        value: names.index(name) if name in names else IGNORE_INDEX
        for value, name in values.items()
    }
    notes.append(f"{len(names)} classes, {named.origin}: {', '.join(names)}")
    notes += [f"{values[v]} ({v}) is ignored" for v in label_map if values[v] not in names]
    colours = _colours(splits, named)
    if colours:
        count = sum(len(split.names) for split in splits.values())
        notes.append(f"masks show colours, read by labelmap.txt: {count}")
    if named.colours:
        shown = sorted(named.colours, key=named.colours.get)
    else:
        shown = (mask_palette(first, list(values)) if is_readable(first) else None) or ()
    shown = dict(zip(values, shown, strict=False))
    palette = tuple(shown[v] for v in values if values[v] in names) if shown else None
    if any(split.mask_files for split in splits.values()):
        notes.append("endings or spellings of names differ: image and mask are found one by one")
    notes += [f"{name}: {len(split.names)} images" for name, split in splits.items()]
    if unused := [split.mask_dir / name for split in splits.values() for name in split.unused]:
        notes.append(f"masks without an image: {len(unused)}, first {unused[0]}")
    if "val" not in splits:
        chosen = choose_val(root, train.names)
        parts = {"train": set(train.names) - chosen, "val": chosen}
        made = {name: replace(train, names=tuple(sorted(part))) for name, part in parts.items()}
        splits = splits | made | {"val": replace(made["val"], lost=())}
        notes.append(f"val is {len(chosen)} of the {len(train.names)} training images (seed 0)")
    notes += found.notes
    return SegmentationData(root, names, palette, splits, tuple(notes), label_map, colours=colours)


def _places(root: Path, splits: dict[str, MaskSplit]) -> list[Path]:
    """The folders that may hold a file of class names: `root` and those above images and masks."""
    places = [root]
    for split in splits.values():
        for folder in (split.image_dir, split.mask_dir):
            inside = [p for p in (folder.parent, folder) if p.is_relative_to(root)]
            places += inside
    return places


def _colours(splits: dict[str, MaskSplit], named: ClassNames) -> dict[Colour, int] | None:
    """The classes' colours if masks have to be read by them, else None."""
    if not named.colours:
        return None
    masks = (split.mask(name) for split in splits.values() for name in split.names)
    readable = filter(is_readable, masks)
    return named.colours if any(is_in_colours(m, named.colours) for m in readable) else None


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
