"""What a run got right on each test image, kept so that scores can be computed on any of them.

A score over all test images does not tell how much it would change with other images. For that it
is computed again on images drawn from these (see `intervals.py`), from what is kept here: of a
classifier whether each image was right, of a detector its boxes of each class, by falling scores,
and whether they found something.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner

from ..config_nodes import find_nodes, type_name
from ..files.whole_files import write_whole

OUTCOMES = "outcomes.json"
RIGHT = "test.right.json"
"""Written by `RightByImage`."""
BOXES = "test"
"""Written by `CocoMetric`, which adds `.bbox.json`."""

RECALLS = np.linspace(0, 1, 101)
"""Recalls at which COCO reads the precision."""


@dataclass(frozen=True)
class Boxes:
    """A class's boxes on all images, the highest score first; those on crowds are left out.

    Attributes:
        image: of each box, its index in `Outcomes.images`.
        found: whether it is on an object that no better box is on, at an IoU of 0.5.
        objects: how many of the class are in each image, crowds not counted.
    """

    image: Sequence[int]
    found: Sequence[bool]
    objects: Sequence[int]

    def average_precision(self, times: np.ndarray) -> float:
        """COCO's AP at an IoU of 0.5; `times` as in `Outcomes.scores`. NaN without an object."""
        objects = (np.asarray(self.objects) * times).sum()
        if objects == 0:
            return float("nan")
        weight, found = times[np.asarray(self.image, int)], np.asarray(self.found, bool)
        hits, misses = np.cumsum(weight * found), np.cumsum(weight * ~found)
        recall = hits / objects
        precision = hits / np.maximum(hits + misses, 1)
        best_from = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.append(best_from, 0.0)[np.searchsorted(recall, RECALLS)].mean())


@dataclass(frozen=True)
class Outcomes:
    """What a run got right.

    Attributes:
        images: paths of the test images.
        right: of a classifier, by image.
        boxes: of a detector, by class.
    """

    images: Sequence[str]
    right: Sequence[bool] | None = None
    boxes: Mapping[str, Boxes] | None = None

    def scores(self, times: np.ndarray) -> dict[str, float]:
        """Scores in percent.

        Args:
            times: (images,), how often each image counts; 0 leaves it out.

        Returns:
            'top-1'; or 'box AP50', the mean of the classes that have an object, and each class's.
        """
        if self.right is not None:
            return {"top-1": 100 * float((np.asarray(self.right) * times).sum() / times.sum())}
        of_class = {
            f"box AP50 {name}": 100 * boxes.average_precision(times)
            for name, boxes in self.boxes.items()
        }
        there = [value for value in of_class.values() if not np.isnan(value)]
        return {"box AP50": float(np.mean(there)) if there else float("nan"), **of_class}


def keep_outcomes(cfg: Config, folder: Path) -> None:
    """Let the test write what `write_outcomes` needs: of classes and of boxes scored as COCO's.

    Args:
        cfg: changed in place; of other tasks it stays.
        folder: the run's.
    """
    for name in (OUTCOMES, RIGHT, f"{BOXES}.bbox.json"):
        (folder / name).unlink(missing_ok=True)
    if metrics := find_nodes(cfg.test_evaluator, "CocoMetric"):
        metrics[0]["outfile_prefix"] = str(folder / BOXES)
    evaluator = cfg.test_evaluator
    nodes = evaluator if isinstance(evaluator, list) else [evaluator]
    if "Accuracy" in map(type_name, nodes):
        right = {"type": "RightByImage", "file": str(folder / RIGHT)}
        cfg.test_evaluator = [*nodes, right]


def write_outcomes(runner: Runner, folder: Path) -> None:
    """Write what the runner's test got right on each image, if `keep_outcomes` prepared it."""
    if (folder / RIGHT).exists():
        told = json.loads((folder / RIGHT).read_text(encoding="utf-8"))
        outcomes = Outcomes([image for image, _ in told], [right for _, right in told])
    elif (folder / f"{BOXES}.bbox.json").exists():
        kinds = runner.test_loop.evaluator.metrics
        metric = next(metric for metric in kinds if type(metric).__name__ == "CocoMetric")
        outcomes = match_boxes(metric, folder / f"{BOXES}.bbox.json")
    else:
        return
    write_whole(folder / OUTCOMES, json.dumps(asdict(outcomes)))


def read_outcomes(folder: Path) -> Outcomes | None:
    """What `write_outcomes` wrote; None where it wrote nothing."""
    file = folder / OUTCOMES
    if not file.exists():
        return None
    told = json.loads(file.read_text(encoding="utf-8"))
    if told["boxes"] is None:
        return Outcomes(told["images"], right=np.array(told["right"], bool))
    boxes = {
        name: Boxes(*(np.array(values, int) for values in kept.values()))
        for name, kept in told["boxes"].items()
    }
    return Outcomes(told["images"], boxes=boxes)


def match_boxes(metric: object, results: Path) -> Outcomes:
    """COCO's own matching of boxes to objects, image by image.

    Args:
        metric: mmdet's CocoMetric behind its evaluation: its truth, classes and images count.
        results: COCO's results, a json.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = metric._coco_api
    content = json.loads(results.read_text(encoding="utf-8"))
    judge = COCOeval(truth, truth.loadRes(content) if content else COCO(), "bbox")
    params = judge.params
    params.catIds, params.imgIds = list(metric.cat_ids), list(metric.img_ids)
    params.iouThrs, params.areaRng, params.areaRngLbl = np.array([0.5]), [[0, 1e10]], ["all"]
    params.maxDets = [metric.proposal_nums[-1]]
    judge.evaluate()
    matched = np.array(judge.evalImgs, dtype=object).reshape(len(judge.params.catIds), -1)
    boxes = {}
    for category, row in zip(judge.params.catIds, matched, strict=True):
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
    return Outcomes(
        [truth.imgs[number]["file_name"] for number in judge.params.imgIds], boxes=boxes
    )
