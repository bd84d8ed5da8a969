"""VOC's files of one image: the xml with its boxes, the masks of its objects."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from .annotations import segmentation_of
from .mask_files import IGNORE_INDEX
from .masks import decode_mask

_MASKS = ("SegmentationClass", "SegmentationObject")


def write_voc_image(
    folder: Path,
    file_name: str,
    image: dict,
    objects: Sequence[tuple[str, dict]],
    classes: Sequence[str],
) -> bool:
    """Write the xml of an image and, where all its objects have masks, both mask PNGs.

    A corner is a COCO corner plus one, so that reading it as mmdet does gives COCO's box again.

    Args:
        folder: gets Annotations/, SegmentationClass/ and SegmentationObject/.
        file_name: of the image in JPEGImages/.
        image: its COCO record.
        objects: name and COCO record of every object, in the order that SegmentationObject counts.
        classes: SegmentationClass counts these from 1 on; 0 is background.

    Returns:
        Whether masks were written.
    """
    tree = ElementTree.Element("annotation")
    segmented = bool(objects) and len(objects) < IGNORE_INDEX
    segmented = segmented and all(segmentation_of(record) for _, record in objects)
    add_texts(tree, folder=folder.name.strip("."), filename=file_name, segmented=int(segmented))
    size = {"width": image["width"], "height": image["height"], "depth": 3}
    add_texts(ElementTree.SubElement(tree, "size"), **size)
    for name, record in objects:
        left, top, width, height = record["bbox"]
        item = ElementTree.SubElement(tree, "object")
        add_texts(
            item, name=name, pose="Unspecified", truncated=0, difficult=int(record["iscrowd"])
        )
        corners = {"xmin": left, "ymin": top, "xmax": left + width, "ymax": top + height}
        box = {edge: f"{value + 1:.4f}".rstrip("0").rstrip(".") for edge, value in corners.items()}
        add_texts(ElementTree.SubElement(item, "bndbox"), **box)
    write_xml(tree, folder / "Annotations" / f"{Path(file_name).stem}.xml")
    if segmented:
        masks = _draw(image, objects, classes)
        for kind, mask in zip(_MASKS, masks, strict=True):
            path = folder / kind / f"{Path(file_name).stem}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(path)
    return segmented


def add_masks(content: dict, image_dir: Path) -> dict:
    """Give the objects of VOC images the masks that SegmentationObject has of them, as RLEs.

    Its k-th value is the k-th object of the xml. The area becomes the mask's.

    Args:
        content: in COCO's form, as `read_voc` made it.
        image_dir: JPEGImages, beside which SegmentationObject stands.
    """
    paths = {
        image["id"]: image_dir.parent / _MASKS[1] / f"{Path(image['file_name']).stem}.png"
        for image in content["images"]
    }
    annotations, image_id, mask = [], None, None
    for record in content["annotations"]:  # in the order of the images: a mask is read once
        if record["image_id"] != image_id:
            image_id = record["image_id"]
            path = paths[image_id]
            mask = np.asarray(Image.open(path)) if path.is_file() else None
        if mask is not None and (own := mask == record["voc_index"] + 1).any():
            code = coco_mask.encode(np.asfortranarray(own, np.uint8))
            text = {"size": list(own.shape), "counts": code["counts"].decode()}
            record = {**record, "segmentation": text, "area": int(own.sum())}
        annotations.append(record)
    return {**content, "annotations": annotations}


def add_texts(parent: ElementTree.Element, **texts: str | int) -> None:
    """Append to `parent` an element per keyword, with its value as text."""
    for tag, text in texts.items():
        ElementTree.SubElement(parent, tag).text = str(text)


def write_xml(tree: ElementTree.Element, path: Path) -> None:
    ElementTree.indent(tree)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(tree).write(path, encoding="utf-8")


def _draw(
    image: dict, objects: Sequence[tuple[str, dict]], classes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """The index masks (H, W) of classes and of objects; the smaller of two objects is on top."""
    size = image["height"], image["width"]
    by_class, by_object = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    order = sorted(range(len(objects)), key=lambda index: -objects[index][1]["area"])
    for index in order:
        name, record = objects[index]
        own = decode_mask(segmentation_of(record), *size)
        by_class[own] = classes.index(name) + 1
        by_object[own] = index + 1
    return by_class, by_object
