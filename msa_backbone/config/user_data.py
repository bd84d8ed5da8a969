"""From the folder that --data names to a config that reads it, and the files it reads beside it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process

from ..config_nodes import pipeline_steps, type_name
from ..data.classification.check import check_classification_data
from ..data.classification.find import ClassificationData, find_classification_data
from ..data.classification.index import write_lists as write_class_lists
from ..data.detection.check import check_detection_data
from ..data.detection.find import DetectionData, find_detection_data
from ..data.detection.index import make_val_split
from ..data.detection.index import write_index as write_annotations
from ..data.segmentation.check import check_segmentation_data
from ..data.segmentation.find import SegmentationData, find_segmentation_data
from ..data.segmentation.index import write_lists
from ..progress import show_progress
from .classification_data import set_classification_data
from .detection_data import set_detection_data
from .segmentation_data import set_segmentation_data

UserData = ClassificationData | DetectionData | SegmentationData


def use_data(cfg: Config, root: str, classes: Sequence[str] | None = None) -> UserData:
    """Find and check the data in `root`, point the config at it and print what was decided.

    A config whose pipeline ends in mmseg's PackSegInputs gets masks, one that ends in mmdet's
    PackDetInputs gets boxes, one that ends in mmpretrain's PackInputs a class for each image.
    `write_index(cfg, data)` has to follow before training.
    """
    last_steps = {type_name(step) for step in pipeline_steps(cfg)}
    if "PackSegInputs" in last_steps:
        data = find_segmentation_data(root, classes)
        warnings = _check(check_segmentation_data, data)
        set_segmentation_data(cfg, data, index_dir(cfg))
    elif "PackDetInputs" in last_steps:
        data = find_detection_data(root, classes)
        warnings = _check(check_detection_data, data)
        data = make_val_split(data)
        set_detection_data(cfg, data, index_dir(cfg))
    elif "PackInputs" in last_steps:
        data = find_classification_data(root, classes)
        warnings = _check(check_classification_data, data)
        set_classification_data(cfg, data, index_dir(cfg))
    else:
        raise ValueError(
            "--data serves configs of mmdet, mmseg and mmpretrain: this one's training pipeline "
            "has none of PackDetInputs, PackSegInputs and PackInputs"
        )
    print(f"Data from {data.root}")
    for line in data.notes:
        print(f"  {line}")
    for line in warnings:
        print(f"  warning: {line}")
    return data


def write_index(cfg: Config, data: UserData, testing: bool = False) -> None:
    """Write into the work dir what training, or testing, reads beside the user's folder."""
    if isinstance(data, SegmentationData):
        test_split = "test" if "test" in data.splits else "val"
        with show_progress() as progress:
            used = (test_split,) if testing else tuple(data.splits)
            write_lists(data, index_dir(cfg), progress, used)
    elif isinstance(data, ClassificationData):
        write_class_lists(data, index_dir(cfg))
    else:
        write_annotations(data, index_dir(cfg))


def _check(check: Callable, data: UserData) -> list[str]:
    """Warnings of `check`, run once for all processes."""
    if not is_main_process():
        return []
    with show_progress() as progress:
        return check(data, progress=progress)


def index_dir(cfg: Config) -> Path:
    """Where the annotation files, lists and masks made from the user's data go."""
    return Path(cfg.work_dir).absolute() / "data"
