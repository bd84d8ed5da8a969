"""The index masks of VOC: of classes in SegmentationClass/, of objects in SegmentationObject/.

In the mask of objects, value k is the k-th object of the image's xml file. In both, 255 is void:
the border around an object, which belongs to nothing.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...errors import DataError
from .detection_annotations import DetectionData, Split, annotations_by_image
from .index_masks import IGNORE_INDEX, read_index_mask, write_index_mask
from .instance_masks import draw_index_mask, encode_mask

CLASS_MASKS, OBJECT_MASKS = "SegmentationClass", "SegmentationObject"


def with_masks(data: DetectionData) -> DetectionData:
    """The data, where VOC's objects have their masks as segmentations, and the masks' areas.

    Masks of classes without masks of objects belong to no object: a note says so. A mask that
    cannot be read, is in colours or of another size than its image becomes a line of `unread`.
    `voc_mask` of an image is the path of its mask of objects.
    """
    if data.format != "voc":
        return data
    splits = {name: _add_masks(split) for name, split in data.splits.items()}
    notes = data.notes
    base = data.splits["train"].image_dir.parent
    if (base / CLASS_MASKS).is_dir() and not (base / OBJECT_MASKS).is_dir():
        notes = (*notes, f"not used: {CLASS_MASKS}, as there is no {OBJECT_MASKS} beside it")
    return replace(data, splits=splits, notes=notes)


def write_voc_masks(
    folder: Path,
    stem: str,
    image: dict,
    objects: Sequence[tuple[str, dict]],
    classes: Sequence[str],
) -> None:
    """Draw SegmentationClass/STEM.png and SegmentationObject/STEM.png of an image.

    The borders in the masks of VOC data stay. The pixels of objects that VOC data have and
    `objects` has no more become void too: they are not background, and nobody is to learn that.

    Args:
        folder, stem: the VOC folder, and the masks' name in it.
        image: its COCO record.
        objects: name and COCO record of every object, in the order that SegmentationObject counts.
        classes: the values of SegmentationClass; objects of others are background, the first.
    """
    values = [(record, classes.index(name) if name in classes else 0) for name, record in objects]
    numbers = [(record, number) for number, (_, record) in enumerate(objects, start=1)]
    size = image["height"], image["width"]
    masks = {CLASS_MASKS: draw_index_mask(values, *size)}
    masks[OBJECT_MASKS] = draw_index_mask(numbers, *size)
    void = np.zeros(size, bool)
    if original := image.get("voc_mask"):
        kept = [0, *(record["voc_index"] + 1 for _, record in objects)]
        void = ~np.isin(_read_object_mask(Path(original), image), kept)
    for kind, mask in masks.items():
        mask[void] = IGNORE_INDEX
        write_index_mask(folder / kind / f"{stem}.png", mask)


def _add_masks(split: Split) -> Split:
    records = annotations_by_image(split.content)
    images, annotations, unread = [], [], []
    for image in split.content["images"]:
        stem = os.path.splitext(image["file_name"])[0]
        path = split.image_dir.parent / OBJECT_MASKS / f"{stem}.png"
        mask = None
        if image["id"] in records and path.is_file():
            try:
                mask = _read_object_mask(path, image)
                image = {**image, "voc_mask": str(path)}
            except DataError as error:
                unread.append(str(error))
        for record in records.get(image["id"], ()):
            if mask is not None and (pixels := mask == record["voc_index"] + 1).any():
                record = {**record, "segmentation": encode_mask(pixels), "area": int(pixels.sum())}
            annotations.append(record)
        images.append(image)
    content = {**split.content, "images": images, "annotations": annotations}
    return replace(split, content=content, unread=(*split.unread, *unread))


def _read_object_mask(path: Path, image: dict) -> np.ndarray:
    """The numbers of the objects, (H, W); raises DataError, also for another size than stated."""
    mask = read_index_mask(path, "object")
    if mask.shape != (image["height"], image["width"]):
        raise DataError(
            f"{path}: is {mask.shape[1]} x {mask.shape[0]}, its image {image['width']} x "
            f"{image['height']}; make the mask anew in the image's size"
        )
    return mask
