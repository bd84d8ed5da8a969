"""Formats that are not read, called by their names, with the way to one that is."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ...found_files import images_in, paths_below

_HEAD = 1 << 16  # bytes of a file that are looked at


def recognised(root: Path) -> str | None:
    """What the folder holds and what to do with it; None for nothing that is known."""
    jsons = paths_below(root, (".json",))
    for describe in (_annotation_files, _only_images):
        if line := describe(root, jsons):
            return line
    return None


def _annotation_files(root: Path, jsons: Sequence[Path]) -> str | None:
    for path in jsons:
        text = _head(path)
        for looks_so, name, mend in _JSONS:
            if looks_so(text):
                return f"{path}: is {name}, which is not read; {mend}"
        if re.match(r"\s*\{", text) and {"images", "annotations"} <= _keys(text):
            return (
                f"{path}: looks like a COCO json, but its name does not tell the split; name it "
                "annotations/instances_train.json"
            )
    if jsons:
        return f"{jsons[0]}: has no list 'images'; export it as COCO detection data"
    if records := [path for path in paths_below(root) if ".tfrecord" in path.name]:
        return f"{records[0]}: is a TFRecord, which is not read; export the data as COCO or as YOLO"
    return None


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_HEAD).decode(errors="replace")


def _keys(text: str) -> set[str]:
    return set(re.findall(r'"([\w ]+)"\s*:', text))


_JSONS: tuple[tuple[Callable[[str], bool], str, str], ...] = (
    (
        lambda text: {"regions", "shape_attributes"} <= _keys(text),
        "VGG Image Annotator's json (VIA)",
        "export the annotations from VIA as COCO",
    ),
    (
        lambda text: (
            {"classTitle", "geometryType"} & _keys(text)
            and {"objects", "points", "classes"} & _keys(text)
        ),
        "Supervisely's json",
        "export the project as COCO or as Pascal VOC",
    ),
    (
        lambda text: {"coordinates", "label"} <= _keys(text) and '"annotations"' in text,
        "CreateML's json",
        "export the data as COCO or as YOLO, or convert it, for example with Roboflow",
    ),
    (
        lambda text: {"labels", "box2d"} <= _keys(text),
        "the json of BDD100K or Scalabel",
        "convert it to COCO, for example with scalabel.label.to_coco",
    ),
    (
        lambda text: {"imgHeight", "imgWidth", "objects"} <= _keys(text),
        "Cityscapes' json of polygons",
        "convert it to COCO, or train on its masks with a segmenter",
    ),
)


def _only_images(root: Path, _: Sequence[Path]) -> str | None:
    images = images_in(root)
    if not images:
        return None
    folders = {path.parent for path in images}
    if len(folders) > 1 and root not in folders:
        return (
            f"{root}: images in {len(folders)} folders but no labels of boxes; class folders are "
            "for a classifier, masks for a segmenter"
        )
    return f"{root}: {len(images)} images but no labels; add the annotations of the boxes"
