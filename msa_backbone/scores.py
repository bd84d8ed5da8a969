"""Which of the logged numbers are scores, which of them leads, and which of its values is best."""

import math
import re
from collections.abc import Iterable, Mapping
from numbers import Real

from .files.training_log import START
from .tasks import Task

HEADLINES = tuple(
    dict.fromkeys(
        name for task in (Task.INSTANCE_SEGMENTATION, *Task) for name in task.headline_scores
    )
)
"""The headline scores of all tasks, by their names in the log; of those a run has, the first leads.

Models of instance segmentation have the scores of detectors too: theirs come first.
"""

LABELS = {
    "coco/bbox_mAP": "AP",
    "coco/bbox_mAP_50": "AP50",
    "coco/bbox_mAP_s": "AP small",
    "coco/bbox_mAP_m": "AP medium",
    "coco/bbox_mAP_l": "AP large",
    "coco/segm_mAP": "mask AP",
    "pascal_voc/mAP": "VOC mAP",
    "mIoU": "mIoU",
    "mAcc": "mAcc",
    "accuracy/top1": "top-1",
    "single-label/f1-score": "F1",
    "answers/exact": "accuracy",
    "VQA/acc": "VQA accuracy",
    "captions/CIDEr": "CIDEr",
    "captions/BLEU-4": "BLEU-4",
}
"""What tables call the scores they show, in the order of the columns."""

ERRORS = {
    *("loss", "losses", "error", "err", "mae", "mse", "rmse", "rel", "silog", "log10"),
    *("mmr", "fpr", "fnr", "nll", "ece", "perplexity"),
}
"""Words in the names of numbers that a better model has less of."""


def headline(names: Iterable[str], metric: str | None = None) -> str:
    """The score that runs are compared by: `metric`, or the first of `HEADLINES`.

    Args:
        names: of the scores there are.
        metric: one of them; None leaves the choice to this function.

    Raises:
        ValueError: if there is no such score, naming those there are.
    """
    names = sorted(names)
    if metric is None:
        metric = next((name for name in HEADLINES if name in names), None)
    if not names:
        raise ValueError("no run has a score: see the runs' logs")
    if metric not in names:
        raise ValueError(f"no run has a score {metric!r}: choose one of {', '.join(names)}")
    return metric


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
    of_type = name.startswith(("IoU/", "Acc/", "answers/exact/"))  # of classes, of questions
    return of_label or of_type or name.endswith("_precision")


def digits(values: Iterable[float]) -> int:
    """How many digits of scores a table shows: four of those up to 1, two of percents."""
    return 2 if max((abs(v) for v in values if not math.isnan(v)), default=0) > 1.5 else 4


def less_is_better(name: str) -> bool:
    """Whether a number with this name is a loss or an error; a class of that name has scores."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return not is_of_one_class(name) and not ERRORS.isdisjoint(words)


def best_of(name: str, records: Iterable[Mapping[str, float]]) -> tuple[float, int | str]:
    """The best value of a score and its step: the least of a loss or error, else the greatest.

    Args:
        name: of the score.
        records: the validations, each with its 'step'; they may lack the score, or have NaN.

    Returns:
        Of equal values the first; NaN and "" where there is no value.
    """
    known = [(r[name], r["step"]) for r in records if not math.isnan(r.get(name, math.nan))]
    choose = min if less_is_better(name) else max
    return choose(known, key=lambda pair: pair[0], default=(math.nan, ""))
