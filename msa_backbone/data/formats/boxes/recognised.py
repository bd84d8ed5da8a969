"""Formats that are not read, called by their names, with the way to one that is.

A row of `_FORMATS` tells a format by the ending of a file's name and by what its text looks like.
Some are told by the name of a folder.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ....files.images import UNREAD_SUFFIXES
from ...folders import OF_LAYOUTS
from ...found_files import files_below, images_in, unread_pictures, walk

_HEAD = 1 << 16  # bytes of a file that are looked at
_MOST_FILES = 50  # of one ending; the others are of the same format
_UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}  # by the mark, which stays
_TO_COCO = "convert it to COCO, to VOC or to YOLO (FiftyOne and Datumaro read many formats)"


def recognised(root: Path) -> str | None:
    """What a folder of boxes holds and what to do with it; None for nothing that is known."""
    return recognised_format(root) or _only_images(root)


def recognised_format(root: Path) -> str | None:
    """The format of the files in `root` that is not read, and the mend; None for none."""
    by_ending: dict[str, list[Path]] = {}
    for start, names in walk(root):
        folder = start.rstrip("/").rpartition("/")[2].lower()
        if folder in _FOLDERS:
            return f"{root / start}: {_FOLDERS[folder]}"
        for name in names:
            paths = by_ending.setdefault(Path(name).suffix.lower(), [])
            if len(paths) < _MOST_FILES:
                paths.append(root / start / name)
    for format_ in _FORMATS:
        for path in (path for ending in format_.endings for path in by_ending.get(ending, ())):
            if format_.looks_so(_head(path)):
                first, *deeper = path.relative_to(root).parts
                is_other = not first.lower().startswith(OF_LAYOUTS)
                if format_.is_read and len(deeper) > 1 and is_other:  # perhaps one of several sets
                    return f"{path}: lies too deep; if {root / first} holds the data, give that"
                return f"{path}: {format_.what}"
    return None


class _Format(NamedTuple):
    endings: tuple[str, ...]
    looks_so: Callable[[str], object]  # whether a text, the head of a file, is of this format
    what: str  # what it is, and the mend
    is_read: bool = False  # in the right place


def _head(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(_HEAD)
    return start.decode(_UTF_16.get(start[:2], "utf-8-sig"), "replace")


def _has(*keys: str) -> Callable[[str], bool]:
    """Whether a text has all of these keys of JSON."""
    return lambda text: set(keys) <= set(re.findall(r'"([\w ]+)"\s*:', text))


def _begins(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).match


def _always(_: str) -> bool:
    return True


_JSON = (".json",)
_NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
_FORMATS = (
    _Format(
        _JSON,
        lambda text: text.startswith("\ufeff"),
        "is in UTF-16, as no JSON may be; save it in UTF-8",
    ),
    _Format(
        _JSON,
        _has("regions", "shape_attributes"),
        "is VGG Image Annotator's json (VIA), which is not read; export the annotations from VIA "
        "as COCO",
    ),
    _Format(
        _JSON,
        lambda text: (
            (_has("classTitle")(text) or _has("geometryType")(text))
            and re.search('"(objects|points|classes)"', text)
        ),
        "is Supervisely's json, which is not read; export the project as COCO or as Pascal VOC",
    ),
    _Format(
        _JSON,
        _has("coordinates", "label", "annotations"),
        "is CreateML's json, which is not read; export the data as COCO or as YOLO, or convert it, "
        "for example with Roboflow",
    ),
    _Format(
        _JSON,
        _has("labels", "box2d"),
        "is the json of BDD100K or Scalabel, which is not read; convert it to COCO, for example "
        "with scalabel.label.to_coco",
    ),
    _Format(
        _JSON,
        _has("imgHeight", "imgWidth", "objects"),
        "is Cityscapes' json of polygons, which is not read; convert it to COCO, or train on its "
        "masks with a segmenter",
    ),
    _Format(
        _JSON,
        lambda text: re.match(r"\s*\{", text) and _has("images", "annotations")(text),
        "looks like a COCO json, but its name does not tell the split; name it "
        "annotations/instances_train.json",
        is_read=True,
    ),
    _Format(
        (".jsonl", ".ndjson"),
        _always,
        "is JSON Lines, a record a line (Hugging Face's metadata.jsonl, for one), which is not "
        f"read; {_TO_COCO}",
    ),
    _Format(
        (".txt",),
        _begins(rf"[A-Za-z_]+ {_NUMBER} -?\d {_NUMBER}(?: {_NUMBER}){{11}}"),
        f"is KITTI's text of boxes, which is not read; {_TO_COCO}",
    ),
    _Format(
        (".txt",),
        _begins(rf"(?:imagesource:|gsd:|(?:{_NUMBER} ){{8}}[\w-]+ [012]\s)"),
        "is DOTA's text of turned boxes, which are not read; write the boxes around them as COCO "
        "or as YOLO",
    ),
    _Format(
        (".txt",),
        _begins(r"\d+,\d+,\d+,\d+,[01],\d+,-?\d+,-?\d+"),
        f"is VisDrone's text of boxes, which is not read; {_TO_COCO}",
    ),
    _Format(
        (".txt",),
        _begins(rf"\d+,\d+(?:,{_NUMBER}){{5,}}"),
        f"is the MOT Challenge's text of tracks, which is not read; {_TO_COCO}",
    ),
    _Format(
        (".txt",),
        _begins(r"\S+\.jpe?g\s*\n\d+\s*\n(?:\d+ ){9}\d+"),
        f"is WIDER FACE's text of boxes, which is not read; {_TO_COCO}",
    ),
    _Format(
        (".xml",),
        lambda text: "<bndbox>" in text,
        "is a VOC xml, but no layout of VOC is around it; put all images into JPEGImages/ and all "
        "xml files into Annotations/, with lists in ImageSets/Main/ (train.txt, test.txt)",
        is_read=True,
    ),
    _Format(
        (".csv", ".tsv"),
        _begins(r"(?i).*\b(?:bbox|x|x_?min|x1|xc|x_?center|left)\b"),
        "is a table whose boxes are in other columns than are read; write filename, class, xmin, "
        "ymin, xmax, ymax",
    ),
    _Format(
        (".tfrecord", ".tfrecords", ".record"),
        _always,
        "is a TFRecord, which is not read; export the data as COCO or as YOLO",
    ),
    _Format(
        (".parquet", ".arrow"),
        _always,
        f"is a table of Hugging Face's or Arrow's, which is not read; {_TO_COCO}",
    ),
    _Format(
        (".zip", ".tar", ".tgz", ".gz", ".7z", ".rar"),
        _always,
        "is an archive, which is not read; unpack it",
    ),
    _Format(
        _JSON,
        _always,
        "has no list 'images'; export it as COCO detection data",
    ),
)
_FOLDERS = {
    "leftimg8bit": (
        "are Cityscapes' folders, which are not read; move the images into images/train/ and "
        "images/val/, and the masks (labelTrainIds), named as their images, into masks/ the same"
    ),
    "imagestr": (
        "are nnU-Net's folders, which are not read; move imagesTr/ to images/ and labelsTr/ to "
        "masks/, without the channel's number (_0000) in the images' names"
    ),
}


def _only_images(root: Path) -> str | None:
    images = images_in(root)
    if not images:
        unread = sorted(files_below(root, UNREAD_SUFFIXES))
        return f"{root}: no image that is read, but {unread_pictures(unread)}" if unread else None
    folders = {path.parent for path in images}
    if len(folders) > 1 and root not in folders:
        return (
            f"{root}: images in {len(folders)} folders but no labels of boxes; class folders are "
            "for a classifier, masks for a segmenter"
        )
    return f"{root}: {len(images)} images but no labels; add the annotations of the boxes"
