"""VOC's files of one image: the xml with its boxes, the masks of its objects."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from ...errors import DataError
from ...files.images import IMAGE_ERRORS
from ..detection.find import DetectionData
from .coco import segmentation_of
from .index_masks import IGNORE_INDEX
from .instance_masks import decode_mask

CLASS_MASKS, OBJECT_MASKS = "SegmentationClass", "SegmentationObject"


def with_masks(data: DetectionData) -> DetectionData:
    """The data; VOC's objects with the masks that SegmentationObject has of them, as RLEs.

    Its k-th value is the k-th object of the xml. The area becomes the mask's. A note says so where
    there are masks of classes only, which belong to no object.

    Raises:
        DataError: for a mask that cannot be read, is in colours or of another size than its image.
    """
    if data.format != "voc":
        return data
    splits = {
        name: replace(split, content=_add_masks(split.content, split.image_dir))
        for name, split in data.splits.items()
    }
    notes = data.notes
    base = data.splits["train"].image_dir.parent
    if (base / CLASS_MASKS).is_dir() and not (base / OBJECT_MASKS).is_dir():
        notes = (*notes, f"not used: {CLASS_MASKS}, as there is no {OBJECT_MASKS} beside it")
    return replace(data, splits=splits, notes=notes)


def write_voc_image(
    folder: Path,
    file_name: str,
    image: dict,
    objects: Sequence[tuple[str, dict]],
    classes: Sequence[str],
) -> bool:
    """Write the xml of an image and, where its objects have masks, both mask PNGs.

    A corner is a COCO corner plus one, so that reading it as mmdet does gives COCO's box again. The
    xml of an image that comes from VOC keeps whatever else it says of the image and its objects.

    Args:
        folder: gets Annotations/, SegmentationClass/ and SegmentationObject/.
        file_name: of the image in JPEGImages/.
        image: its COCO record.
        objects: name and COCO record of every object, in the order that SegmentationObject counts.
        classes: the values of SegmentationClass, the background's first.

    Returns:
        Whether masks were written.
    """
    stem = os.path.splitext(file_name)[0]
    source = image.get("voc_place")
    masked = [bool(segmentation_of(record)) for _, record in objects]
    # In VOC's own masks an object can be hidden by the others.
    segmented = any(masked) if source else all(masked) and bool(masked)
    segmented = segmented and len(objects) < IGNORE_INDEX and len(classes) <= IGNORE_INDEX
    tree = ElementTree.parse(source).getroot() if source else ElementTree.Element("annotation")
    _set(tree, filename=file_name, segmented=int(segmented))
    size = tree.find("size")
    size = ElementTree.SubElement(tree, "size") if size is None else size
    _set(size, width=image["width"], height=image["height"])
    if size.find("depth") is None:
        _set(size, depth=3)
    items = tree.findall("object")
    for item in items:
        tree.remove(item)
    for name, record in objects:
        if source:
            item = items[record["voc_index"]]
        else:
            item = ElementTree.Element("object")
            _set(item, name=name, pose="Unspecified", truncated=0)
            _set(item, difficult=int(record["iscrowd"]))
        left, top, width, height = record["bbox"]
        corners = {"xmin": left, "ymin": top, "xmax": left + width, "ymax": top + height}
        box = {edge: f"{value + 1:.4f}".rstrip("0").rstrip(".") for edge, value in corners.items()}
        own = item.find("bndbox")
        _set(ElementTree.SubElement(item, "bndbox") if own is None else own, **box)
        tree.append(item)
    write_xml(tree, folder / "Annotations" / f"{stem}.xml")
    if segmented:
        _write_masks(folder, stem, image, objects, classes)
    return segmented


def add_texts(parent: ElementTree.Element, **texts: str | int) -> None:
    """Append to `parent` an element per keyword, with its value as text."""
    for tag, text in texts.items():
        ElementTree.SubElement(parent, tag).text = str(text)


def write_xml(tree: ElementTree.Element, path: Path) -> None:
    ElementTree.indent(tree)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(tree).write(path, encoding="utf-8")


def _set(parent: ElementTree.Element, **texts: str | int) -> None:
    """Give `parent` an element per keyword with its value as text, in place of the one it has."""
    for tag, text in texts.items():
        element = parent.find(tag)
        if element is None:
            add_texts(parent, **{tag: text})
        else:
            element.text = str(text)


def _add_masks(content: dict, image_dir: Path) -> dict:
    images = {image["id"]: image for image in content["images"]}
    annotations, image_id, mask = [], None, None
    for record in content["annotations"]:  # in the order of the images: a mask is read once
        if record["image_id"] != image_id:
            image_id = record["image_id"]
            image = images[image_id]
            stem = os.path.splitext(image["file_name"])[0]
            path = image_dir.parent / OBJECT_MASKS / f"{stem}.png"
            mask = _read_mask(path, image) if path.is_file() else None
        if mask is not None and (own := mask == record["voc_index"] + 1).any():
            code = coco_mask.encode(np.asfortranarray(own, np.uint8))
            text = {"size": list(own.shape), "counts": code["counts"].decode()}
            record = {**record, "segmentation": text, "area": int(own.sum())}
        annotations.append(record)
    return {**content, "annotations": annotations}


def _read_mask(path: Path, image: dict) -> np.ndarray:
    try:
        with Image.open(path) as picture:
            mode, mask = picture.mode, np.asarray(picture)
    except IMAGE_ERRORS as error:
        raise DataError(f"{path}: unreadable mask ({error}); replace the file") from None
    if mode not in ("L", "P", "1"):
        raise DataError(f"{path}: is in colours ({mode}), not an index mask; save it as palette")
    if mask.shape != (image["height"], image["width"]):
        raise DataError(
            f"{path}: is {mask.shape[1]} x {mask.shape[0]}, its image {image['width']} x "
            f"{image['height']}; make the mask anew in the image's size"
        )
    return mask


def _write_masks(
    folder: Path,
    stem: str,
    image: dict,
    objects: Sequence[tuple[str, dict]],
    classes: Sequence[str],
) -> None:
    """Draw the index masks of classes and of objects; the smaller of two objects is on top."""
    size = image["height"], image["width"]
    by_class, by_object = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    order = sorted(range(len(objects)), key=lambda index: -objects[index][1]["area"])
    for index in order:
        name, record = objects[index]
        if segmentation := segmentation_of(record):
            own = decode_mask(segmentation, *size)
            by_class[own] = classes.index(name) if name in classes else 0
            by_object[own] = index + 1
    if source := image.get("voc_place"):  # the borders that VOC leaves void
        original = Path(source).parents[1] / OBJECT_MASKS / f"{Path(source).stem}.png"
        if original.is_file():
            void = _read_mask(original, image) == IGNORE_INDEX
            by_class[void] = by_object[void] = IGNORE_INDEX
    for kind, mask in ((CLASS_MASKS, by_class), (OBJECT_MASKS, by_object)):
        path = folder / kind / f"{stem}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
