"""Write painted scenes as COCO, Pascal VOC and semantic segmentation data sets."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from ...files.whole_files import place_file, write_whole
from ..folders import write_list
from ..formats.instance_masks import encode_mask
from ..formats.write_voc import child, set_texts, write_xml

NAMES = tuple("0123456789")

_COLOURS = "000000 e6194b 3cb44b ffe119 0082c8 f58230 911eb4 46f0f0 f032e6 d2f53c fabed4"
PALETTE = tuple(tuple(bytes.fromhex(colour)) for colour in _COLOURS.split())  # background, digits

INFO = {
    "description": (
        "Handwritten digits painted over photographs, made from files that scikit-learn ships: "
        "digits from the UCI set 'Optical Recognition of Handwritten Digits' (E. Alpaydin, "
        "C. Kaynak); photographs china.jpg by danielbuechele and flower.jpg by vultilion, "
        "cropped and tinted."
    ),
    "url": "https://scikit-learn.org/stable/datasets.html",
    "version": "1.0",
}
LICENSES = [
    {
        "id": 1,
        "name": "Photographs: Creative Commons Attribution 2.0",
        "url": "https://creativecommons.org/licenses/by/2.0/",
    },
    {
        "id": 2,
        "name": "Digits: as stated by the UCI Machine Learning Repository",
        "url": "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
    },
]


@dataclass(frozen=True)
class Digit:
    """A digit in a scene."""

    label: int  # what it shows, 0 to 9
    index: int  # its place in `sklearn.datasets.load_digits`
    box: tuple[int, int, int, int]  # tight around its visible pixels: x, y, width, height, from 0


@dataclass(frozen=True)
class Scene:
    """A painted image and all that is known about it."""

    image_id: int  # from 1 on, unique over all splits
    image: Image.Image  # RGB
    owner: np.ndarray  # (height, width) of uint8: 0 for the background, k for the k-th of `digits`
    digits: list[Digit]
    photo: str  # file name of the photograph behind the digits
    crop: tuple[int, int, int, int]  # of the photograph: x, y, width, height in its pixels

    @property
    def stem(self) -> str:
        """File name of the image and its annotations, without an ending."""
        return f"{self.image_id:06d}"


def write_images(root: Path, split: str, scenes: Sequence[Scene]) -> None:
    """Write each image as a JPEG of the COCO form, and link it into the two other forms."""
    coco = root / "coco" / "images" / split
    coco.mkdir(parents=True)
    for scene in scenes:
        path = coco / f"{scene.stem}.jpg"
        scene.image.save(path, quality=90, subsampling=0)
        place_file(path, root / "voc" / "VOC2007" / "JPEGImages" / path.name)
        place_file(path, root / "segmentation" / "images" / split / path.name)


def write_coco(root: Path, split: str, scenes: Sequence[Scene]) -> None:
    """Write ``coco/annotations/instances_{split}.json``.

    ``area`` is the area of the box, as is usual in sets made for box detection: the strokes of a
    digit fill a fraction of its box, so their area would leave COCO's large range nearly empty.
    """
    images, annotations = [], []
    for scene in scenes:
        width, height = scene.image.size
        image = {"id": scene.image_id, "file_name": f"{scene.stem}.jpg"}
        image |= {"width": width, "height": height, "license": 1}
        images.append({**image, "photo": scene.photo, "crop": scene.crop})
        for position, digit in enumerate(scene.digits, 1):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": scene.image_id,
                    "category_id": digit.label + 1,
                    "bbox": digit.box,
                    "area": digit.box[2] * digit.box[3],
                    "iscrowd": 0,
                    "segmentation": encode_mask(scene.owner == position),
                    "digit_index": digit.index,
                }
            )
    numbered = enumerate(NAMES, 1)
    categories = [{"id": id_, "name": name, "supercategory": "digit"} for id_, name in numbered]
    content = {"info": INFO, "licenses": LICENSES, "categories": categories}
    content |= {"images": images, "annotations": annotations}
    write_whole(root / "coco" / "annotations" / f"instances_{split}.json", json.dumps(content))


def write_voc(root: Path, split: str, scenes: Sequence[Scene]) -> None:
    """Write ``voc/VOC2007/Annotations`` and ``ImageSets/Main/{split}.txt``.

    As in Pascal VOC, boxes are whole pixels counted from 1 with both corners inside the box.
    """
    voc = root / "voc" / "VOC2007"
    for scene in scenes:
        width, height = scene.image.size
        tree = ElementTree.Element("annotation")
        set_texts(tree, folder="VOC2007", filename=f"{scene.stem}.jpg", segmented=0)
        set_texts(child(tree, "source"), database="msa_backbone demo data")
        set_texts(child(tree, "size"), width=width, height=height, depth=3)
        for digit in scene.digits:
            x, y, w, h = digit.box
            item = ElementTree.SubElement(tree, "object")
            set_texts(item, name=NAMES[digit.label], pose="Unspecified", truncated=0, difficult=0)
            set_texts(child(item, "bndbox"), xmin=x + 1, ymin=y + 1, xmax=x + w, ymax=y + h)
        write_xml(tree, voc / "Annotations" / f"{scene.stem}.xml")
    write_list(voc / "ImageSets" / "Main" / f"{split}.txt", (scene.stem for scene in scenes))


def write_segmentation(root: Path, split: str, scenes: Sequence[Scene]) -> None:
    """Write ``segmentation/masks/{split}`` and ``classes.txt``.

    A mask is an 8-bit palette PNG of the image's size: 0 is background, 1 to 10 are the digits.
    """
    masks = root / "segmentation" / "masks" / split
    masks.mkdir(parents=True)
    for scene in scenes:
        class_of_owner = np.array([0, *(digit.label + 1 for digit in scene.digits)], np.uint8)
        mask = Image.fromarray(class_of_owner[scene.owner])
        mask.putpalette([channel for colour in PALETTE for channel in colour])
        mask.save(masks / f"{scene.stem}.png")
    write_list(root / "segmentation" / "classes.txt", ("background", *NAMES))
