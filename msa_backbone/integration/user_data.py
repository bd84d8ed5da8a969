"""From the folder that --data names to a config that reads it, and the files it reads beside it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.utils import ProgressBar

from ..data.checks import check_detection_data
from ..data.classification import (
    ClassificationData,
    check_classification_data,
    find_classification_data,
)
from ..data.classification import write_lists as write_class_lists
from ..data.layouts import DetectionData, find_detection_data
from ..data.masks import write_lists
from ..data.segmentation import SegmentationData, find_segmentation_data
from ..data.segmentation_checks import check_segmentation_data
from ..data.splits import make_val_split
from ..data.splits import write_index as write_annotations
from .classification_edits import set_classification_data
from .config_edits import pipeline_steps, type_name
from .detection_edits import set_detection_data
from .segmentation_edits import set_segmentation_data

UserData = ClassificationData | DetectionData | SegmentationData
LONG_CHECK = 500  # images from which on checking takes long enough to show its progress


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


@contextmanager
def show_progress() -> Iterator[Callable[[int, int], None]]:
    """A bar for what takes long: called with the steps done and their total."""
    bars: list[ProgressBar] = []
    shown = 0

    def progress(done: int, total: int) -> None:
        nonlocal shown
        if total <= LONG_CHECK:
            return
        if done == 1:
            bars.append(ProgressBar(total))
            shown = 0
        if done - shown >= total / 100 or done == total:  # a log file gets 100 states, no more
            bars[-1].update(done - shown)
            shown = done
        if done == total:
            print()

    yield progress


def index_dir(cfg: Config) -> Path:
    """Where the annotation files, lists and masks made from the user's data go."""
    return Path(cfg.work_dir).absolute() / "data"
