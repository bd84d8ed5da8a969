"""What a run got right on each test image, kept so that scores can be computed on any of them.

A score over all test images does not tell how much it would change with other images. For that it
is computed again on images drawn from these (see `intervals.py`), from what is kept here: of a
classifier whether each image was right, of a detector its boxes of each class with their scores and
whether they found something.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config

from ..config_nodes import find_nodes
from ..files.whole_files import write_whole
from ..tasks import Task, task_of

OUTCOMES = "outcomes.json"
PREDICTIONS = "test"
"""Beside it: `test.bbox.json`, COCO's results, or `test.right.json`."""

RECALLS = np.linspace(0, 1, 101)
"""At which COCO reads the precision."""


@dataclass(frozen=True)
class Boxes:
    """A class's boxes on all images, the highest score first.

    Attributes:
        image: of each box, a number.
        found: whether it is on an object that no better box is on, at an IoU of 0.5.
        objects: of each image.
    """

    image: Sequence[int]
    found: Sequence[bool]
    objects: Sequence[int]

    def average_precision(self, times: np.ndarray) -> float:
        """COCO's AP at an IoU of 0.5, each image counted so many times; NaN without an object."""
        objects = (np.asarray(self.objects) * times).sum()
        if objects == 0:
            return float("nan")
        weight, found = times[np.asarray(self.image, int)], np.asarray(self.found, bool)
        hits, misses = np.cumsum(weight * found), np.cumsum(weight * ~found)
        recall = hits / objects
        precision = hits / np.maximum(hits + misses, 1)
        best_from = np.maximum.accumulate(precision[::-1])[::-1]
        at = np.searchsorted(recall, RECALLS)
        return float(np.append(best_from, 0.0)[at].mean())


@dataclass(frozen=True)
class Outcomes:
    """What a run got right.

    Attributes:
        images: names of the test images.
        right: of a classifier, by image.
        boxes: of a detector, by class.
    """

    images: Sequence[str]
    right: Sequence[bool] | None = None
    boxes: Mapping[str, Boxes] | None = None

    def scores(self, times: np.ndarray) -> dict[str, float]:
        """Scores in percent, each image counted so many times.

        Args:
            times: (images,), whole numbers.

        Returns:
            'top-1'; or 'AP50' of each class, and the mean of those that have an object.
        """
        if self.right is not None:
            return {"top-1": 100 * float((np.asarray(self.right) * times).sum() / times.sum())}
        of_class = {
            f"AP50 {name}": 100 * boxes.average_precision(times)
            for name, boxes in self.boxes.items()
        }
        return {"AP50": float(np.nanmean(list(of_class.values()))), **of_class}


def keep_outcomes(cfg: Config, folder: Path) -> None:
    """Let the test write what `write_outcomes` needs; other tasks are left as they are."""
    for node in find_nodes(cfg.test_evaluator, "CocoMetric"):
        node["outfile_prefix"] = str(folder / PREDICTIONS)
    if task_of(cfg) is Task.CLASSIFICATION:
        evaluators = cfg.test_evaluator
        evaluators = evaluators if isinstance(evaluators, list) else [evaluators]
        right = {"type": "RightByImage", "file": str(folder / f"{PREDICTIONS}.right.json")}
        cfg.test_evaluator = [*evaluators, right]


def write_outcomes(cfg: Config, folder: Path) -> None:
    """Write what a test got right on each image, if its task is one of those."""
    right, boxes = (folder / f"{PREDICTIONS}.{name}.json" for name in ("right", "bbox"))
    if right.exists():
        told = json.loads(right.read_text(encoding="utf-8"))
        outcomes = Outcomes([Path(name).name for name in told], list(told.values()))
    elif boxes.exists():
        (metric,) = find_nodes(cfg.test_evaluator, "CocoMetric")
        outcomes = _match(Path(metric.ann_file), boxes)
    else:
        return
    write_whole(folder / OUTCOMES, json.dumps(asdict(outcomes)))


def read_outcomes(folder: Path) -> Outcomes | None:
    """What `write_outcomes` wrote; None where it wrote nothing."""
    file = folder / OUTCOMES
    if not file.exists():
        return None
    told = json.loads(file.read_text(encoding="utf-8"))
    if told["boxes"] is not None:
        told["boxes"] = {name: Boxes(**boxes) for name, boxes in told["boxes"].items()}
    return Outcomes(**told)


def _match(annotations: Path, results: Path) -> Outcomes:
    """COCO's own matching of boxes to objects, image by image."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = COCO(str(annotations))
    content = json.loads(results.read_text(encoding="utf-8"))
    judge = COCOeval(truth, truth.loadRes(content) if content else COCO(), "bbox")
    params = judge.params
    params.iouThrs, params.areaRng, params.areaRngLbl = np.array([0.5]), [[0, 1e10]], ["all"]
    params.maxDets = [1000]  # as mmdet scores boxes
    judge.evaluate()
    matched = np.array(judge.evalImgs, dtype=object).reshape(len(params.catIds), -1)
    boxes = {}
    for category, row in zip(params.catIds, matched, strict=True):
        image, scores, found, objects = [], [], [], []
        for number, match in enumerate(row):
            objects.append(0 if match is None else int((match["gtIgnore"] == 0).sum()))
            if match is None:
                continue
            counts = ~match["dtIgnore"][0].astype(bool)  # on a crowd it is neither right nor wrong
            image += [number] * int(counts.sum())
            scores += np.asarray(match["dtScores"])[counts].tolist()
            found += (match["dtMatches"][0][counts] > 0).tolist()
        order = np.argsort(-np.array(scores), kind="mergesort")
        boxes[truth.cats[category]["name"]] = Boxes(
            [image[n] for n in order], [found[n] for n in order], objects
        )
    names = [Path(truth.imgs[number]["file_name"]).name for number in params.imgIds]
    return Outcomes(names, boxes=boxes)
