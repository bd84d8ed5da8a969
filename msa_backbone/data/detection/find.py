"""Find detection data in a folder: its layout, its classes and its splits."""

import os
from collections.abc import Sequence

from ...errors import DataError
from ..folders import user_folder
from ..formats.detection_annotations import DetectionData
from .find_coco import coco_data, coco_files
from .find_voc import voc_data, voc_folders

LAYOUTS = """\
COCO  annotations/*{train,val,test}*.json; the images in images/, images/{split}/, {split}/ or a
      folder named as the json's suffix (train2017/)
      {train,valid,test}/_annotations.coco.json with the images beside it
      a lone annotations.json, instances.json, instances_{all,default}.json, result.json or
      _annotations.coco.json, in ROOT or annotations/
VOC   VOC20xx/ or VOCdevkit/VOC20xx/ (one year), or in ROOT itself
      JPEGImages/ + Annotations/, with or without ImageSets/Main/{train,val,trainval,test}.txt
      images/ + annotations/ of xml files, or xml files beside the images
There must be a train split (a lone file or folder is one); valid and validation mean val."""


def find_detection_data(
    root: str | os.PathLike, classes: Sequence[str] | None = None
) -> DetectionData:
    """Find the data in the folder `root`, in one of `LAYOUTS`; nothing is written.

    Args:
        classes: the classes to keep; all by default. VOC takes their order. COCO keeps the order
            of the json, as loaders number the categories by it.

    Raises:
        DataError: if there is no such data, a file of it cannot be read, or the splits disagree.
    """
    root = user_folder(root)
    if files := coco_files(root):
        return coco_data(root, files, classes)
    if folders := voc_folders(root):
        return voc_data(root, *folders, classes)
    state = "neither COCO nor VOC data" if any(root.iterdir()) else "an empty folder"
    raise DataError(f"{root}: {state}; arrange it as one of: {' '.join(LAYOUTS.split())}")
