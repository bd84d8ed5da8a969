"""Find detection data in a folder: its layout, its classes and its splits."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import DataError
from ...files.modality_files import Modality
from ..folders import user_folder
from ..formats.boxes.csv_boxes import CSV_LAYOUT, find_csv
from ..formats.boxes.cvat import CVAT_LAYOUT, find_cvat
from ..formats.boxes.label_studio import LABEL_STUDIO_LAYOUT, find_label_studio
from ..formats.boxes.labelme import LABELME_LAYOUT, find_labelme
from ..formats.boxes.recognised import recognised
from ..formats.boxes.records import FoundBoxes
from ..formats.coco import with_categories
from ..formats.detection_annotations import DetectionData
from ..formats.yolo.find import YOLO_LAYOUT, find_yolo
from ..found_files import unused_images
from ..hidden_splits import check_hidden_splits
from .classes import choose_classes, class_notes, count_notes, require_read
from .find_coco import coco_data, coco_files
from .find_voc import voc_data

_COCO_AND_VOC = """\
COCO  annotations/*{train,val,test}*.json, or the same in ROOT; the images in images/,
      images/{split}/, {split}/ or a folder named as the json's suffix (train2017/)
      {train,valid,test}/_annotations.coco.json with the images beside it, or with labels.json
      and data/ (FiftyOne)
      a lone annotations.json, instances.json, instances_{all,default}.json, result.json,
      _annotations.coco.json, coco.json or labels.json, in ROOT or annotations/
VOC   VOC20xx/ or VOCdevkit/VOC20xx/ (one year), or in ROOT itself
      JPEGImages/ + Annotations/, with or without ImageSets/Main/{train,val,trainval,test}.txt
      images/ + annotations/ (labels/, xmls/) of xml files, or xml files beside the images
      {train,valid,test}/, in each of these ways, or these folders inside images/, annotations/
      or both
      (files and folders of splits may be spelled in any case: Train.txt, Validation.txt)"""
LAYOUTS = "\n".join(
    [
        *(_COCO_AND_VOC, YOLO_LAYOUT, CVAT_LAYOUT, LABELME_LAYOUT, LABEL_STUDIO_LAYOUT, CSV_LAYOUT),
        "There must be a train split (a lone file or folder is one); valid, validation mean val.",
    ]
)


def find_detection_data(
    root: str | os.PathLike,
    classes: Sequence[str] | None = None,
    spoilt: bool = False,
    modalities: Sequence[Modality] = (),
) -> DetectionData:
    """Find the data in the folder `root`, in one of `LAYOUTS`; nothing is written.

    Args:
        classes: the classes to keep, in this order; all by default. COCO keeps the order of the
            json, as loaders number the categories by it.
        spoilt: also give data of which a record could not be read; `Split.unread` names them.
        modalities: of several, the data are those of the first; where its images lie depends on
            their names.

    Raises:
        DataError: if there is no such data, a file of it cannot be read, or the splits disagree.
    """
    root = user_folder(root)
    if data := read_detection_data(root, classes, modalities):
        return data if spoilt else require_read(data)
    state = recognised(root) or (
        f"{root}: no labels of a known format"
        if any(root.iterdir())
        else f"{root}: an empty folder"
    )
    raise DataError(
        f"{state}; arrange it as COCO (annotations/instances_train.json, images/), as VOC "
        "(JPEGImages/, Annotations/), as YOLO (images/train/, labels/train/), or in a layout of "
        "CVAT, labelme, Label Studio or CSV, which --help lists"
    )


def read_detection_data(
    root: Path, classes: Sequence[str] | None = None, modalities: Sequence[Modality] = ()
) -> DetectionData | None:
    """The data in `root`, records that could not be read left out; None if there are none."""
    found = (find(root, classes, modalities) for find in READERS)
    data = next(filter(None, found), None)
    if data is None:
        return None
    data = _without_empty_splits(data)
    images = {
        name: [
            os.path.join(split.image_dir, image["file_name"]) for image in split.content["images"]
        ]
        for name, split in data.splits.items()
    }
    data = replace(data, notes=(*data.notes, *check_hidden_splits(root, images)))
    if modalities:  # the pictures of the others belong to no split
        return data
    used = (path for paths in images.values() for path in paths)
    notes = unused_images(root, used, data.unlabelled.values())
    return replace(data, notes=(*data.notes, *notes))


def _without_empty_splits(data: DetectionData) -> DetectionData:
    """The data; val and test that list no image are left aside, as no loader takes them."""
    splits = data.splits.items()
    empty = [n for n, s in splits if n != "train" and not s.content["images"] and not s.unread]
    if not empty:
        return data
    splits = {name: split for name, split in data.splits.items() if name not in empty}
    notes = (f"{name} is left aside: {data.splits[name].source} has no image" for name in empty)
    return replace(data, splits=splits, notes=(*data.notes, *notes))


def _coco(
    root: Path, classes: Sequence[str] | None, modalities: Sequence[Modality]
) -> DetectionData | None:
    files = coco_files(root, modalities)
    return coco_data(root, files, classes, modalities) if files else None


def _boxes(find: Callable[[Path], FoundBoxes | None]) -> Callable:
    """A reader that finds every object of every class, as one that keeps the chosen classes."""

    def chosen(
        root: Path, classes: Sequence[str] | None, _: Sequence[Modality]
    ) -> DetectionData | None:
        found = find(root)
        if found is None:
            return None
        train = found.splits["train"]
        kept = tuple(choose_classes(found.names, classes, train.source))
        splits = {
            name: replace(split, content=with_categories(split.content, kept))
            for name, split in found.splits.items()
        }
        order = "as given" if classes else found.order
        notes = (*found.notes, *class_notes(kept, order, train.content), *count_notes(splits, kept))
        return DetectionData(root, found.format, kept, splits, notes, found.unlabelled)

    return chosen


Reader = Callable[[Path, Sequence[str] | None, Sequence[Modality]], DetectionData | None]
READERS: tuple[Reader, ...] = (
    _coco,
    _boxes(find_cvat),  # before VOC, which takes any xml beside images
    voc_data,
    _boxes(find_yolo),
    _boxes(find_labelme),
    _boxes(find_label_studio),
    _boxes(find_csv),
)
"""Tried in this order: each gives the data, None if they are of another format, or a
DataError."""
