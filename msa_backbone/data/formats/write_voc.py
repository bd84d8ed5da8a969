"""Writing detection data as VOC: an xml file for every image, lists of the splits, index masks.

A corner is written as COCO's plus one, so that `voc.py`, which reads as mmdet does, gives COCO's
box again. Fractions of a pixel stay; mmdet's own reader cuts them off.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from ...errors import DataError
from ...files.images import IMAGE_SUFFIXES
from ...files.whole_files import place_file
from ..folders import write_list
from ..image_counter import ImageCounter, Progress
from .coco import segmentation_of
from .derived.xml_text import read_xml
from .detection_annotations import DetectionData, annotations_by_image
from .drawn_masks import semantic_classes
from .index_masks import IGNORE_INDEX
from .instance_masks import require_sound_mask
from .voc import is_difficult
from .voc_masks import CLASS_MASKS, write_voc_masks
from .written_images import existing_image, name_inside, take_name, write_class_names


def write_voc_data(
    data: DetectionData, folder: Path, images: str = "link", progress: Progress | None = None
) -> list[str]:
    """Write JPEGImages/, Annotations/, ImageSets/ and, where there are masks, Segmentation*/.

    COCO's crowds become `difficult`. The xml of VOC data keeps all its other elements, but where
    `repair` joined two. An image in a subfolder gets the folder into its name; one whose name is
    taken gets its split in front.

    Args:
        data, folder, progress: as in `write_coco_data`.
        images: 'link' or 'copy'.

    Returns:
        What had to be left behind, a line each.

    Raises:
        DataError: if an image is missing, of a format that VOC readers do not know, or annotated
            twice.
    """
    if images == "list":
        raise ValueError("VOC has its images in JPEGImages/: choose link or copy")
    counter = ImageCounter(data.num_images, progress)
    notes, classes = [], semantic_classes(data.classes)
    taken: dict[str, Path] = {}
    written: dict[Path, list] = {}
    for split_name, split in data.splits.items():
        labels = {category["id"]: category["name"] for category in split.content["categories"]}
        records = annotations_by_image(split.content)
        stems: dict[str, None] = {}  # in order
        masked, maskless = [], 0
        for image in split.content["images"]:
            source = existing_image(split, image)
            objects = [(labels[r["category_id"]], r) for r in records.get(image["id"], ())]
            for _, record in objects:
                require_sound_mask(split, image, record)
            stem, suffix = os.path.splitext(name_inside(split, image).replace("/", "_"))
            if suffix.lower() not in IMAGE_SUFFIXES:
                known = ", ".join(IMAGE_SUFFIXES)
                raise DataError(f"{source}: VOC images end in {known}; convert the image")
            if taken.get(stem, source) != source:
                stem = f"{split_name}_{stem}"
            take_name(taken, stem, source)
            boxes = [(label, record["bbox"]) for label, record in objects]
            if written.setdefault(source, boxes) != boxes or stem in stems:
                raise DataError(
                    f"{source}: has two entries with objects of their own, and VOC one xml for an "
                    "image; join them (tools/check_data.py --fix) or write COCO"
                )
            file_name = f"{stem}{suffix.lower()}"
            place_file(source, folder / "JPEGImages" / file_name, images == "link")
            stems[stem] = None
            if _write_image(folder, file_name, image, objects, classes):
                masked.append(stem)
            elif any(segmentation_of(record) for _, record in objects):
                maskless += 1
            counter.step()
        if maskless:
            notes.append(
                f"{split_name}: {maskless} images without their masks, as an object has none, or "
                f"there are more than {IGNORE_INDEX - 1} objects or classes"
            )
        for task, listed in (("Main", stems), ("Segmentation", masked)):
            if listed:
                write_list(folder / "ImageSets" / task / f"{split_name}.txt", listed)
    if (folder / CLASS_MASKS).is_dir():
        write_class_names(folder, classes)
    return notes


def _write_image(
    folder: Path,
    file_name: str,
    image: dict,
    objects: Sequence[tuple[str, dict]],
    classes: Sequence[str],
) -> bool:
    """Write the xml of an image and, if its objects have masks, both PNGs; whether they have."""
    stem = os.path.splitext(file_name)[0]
    source = image.get("voc_xml")
    masked = [bool(segmentation_of(record)) for _, record in objects]
    # In VOC's own masks an object can be hidden by the others.
    segmented = any(masked) if source else all(masked) and bool(masked)
    segmented = segmented and len(objects) < IGNORE_INDEX and len(classes) <= IGNORE_INDEX
    root = read_xml(Path(source)) if source else ElementTree.Element("annotation")
    set_texts(root, filename=file_name, segmented=int(segmented))
    size = child(root, "size")
    set_texts(size, width=image["width"], height=image["height"])
    if size.find("depth") is None:
        set_texts(size, depth=3)
    items = root.findall("object")
    for item in items:
        root.remove(item)
    for name, record in objects:
        if source:
            item = items[record["voc_index"]]
            if is_difficult(item) and not record["iscrowd"]:
                set_texts(item, difficult=0)
        else:
            item = ElementTree.Element("object")
            difficult = int(record["iscrowd"])
            set_texts(item, name=name, pose="Unspecified", truncated=0, difficult=difficult)
        left, top, width, height = record["bbox"]
        corners = {"xmin": left, "ymin": top, "xmax": left + width, "ymax": top + height}
        box = {edge: f"{value + 1:.4f}".rstrip("0").rstrip(".") for edge, value in corners.items()}
        set_texts(child(item, "bndbox"), **box)
        root.append(item)
    write_xml(root, folder / "Annotations" / f"{stem}.xml")
    if segmented:
        write_voc_masks(folder, stem, image, objects, classes)
    return segmented


def write_xml(root: ElementTree.Element, path: Path) -> None:
    """Write an xml file, indented; its folder is made."""
    ElementTree.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="utf-8")


def child(parent: ElementTree.Element, tag: str) -> ElementTree.Element:
    """The first child of that name, made where there is none."""
    element = parent.find(tag)
    return ElementTree.SubElement(parent, tag) if element is None else element


def set_texts(parent: ElementTree.Element, **texts: str | int) -> None:
    """Give `parent` an element per keyword with its value as text, in place of the one it has."""
    for tag, text in texts.items():
        child(parent, tag).text = str(text)
