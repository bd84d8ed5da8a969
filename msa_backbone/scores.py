"""Which of the logged numbers are scores, and which of them lead."""

from collections.abc import Mapping
from numbers import Real

from .files.training_log import START

# The headline metric first; a curve per name that was logged.
SCORES = (
    "pascal_voc/mAP",
    "coco/bbox_mAP_50",
    "coco/bbox_mAP",
    "coco/segm_mAP",
    "mIoU",
    "mAcc",
    "accuracy/top1",
)


def all_scores_of(record: Mapping[str, object]) -> dict[str, float]:
    """The scores of a validation, those per class last, without its times and its step."""
    others = (START, "step", "time", "data_time", "memory")
    names = [k for k, v in record.items() if isinstance(v, Real) and k not in others]
    return {name: record[name] for name in sorted(names, key=is_of_one_class)}


def scores_of(record: Mapping[str, object]) -> dict[str, float]:
    """The scores of a validation over all classes."""
    return {k: v for k, v in all_scores_of(record).items() if not is_of_one_class(k)}


def is_of_one_class(name: str) -> bool:
    """Whether a score with this name belongs to a single class."""
    of_label = name.startswith("single-label/") and name.count("/") > 1
    return of_label or name.endswith("_precision") or name.startswith(("IoU/", "Acc/"))
