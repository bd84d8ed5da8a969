"""Thresholds by class: those of the best F1, against trying all."""

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchvision.ops import box_iou

from msa_backbone.inference.thresholds import ThresholdFinder, box_overlaps, read_thresholds


def boxes_of(rng, count: int) -> np.ndarray:
    start = rng.uniform(0, 60, (count, 2))
    return np.concatenate([start, start + rng.uniform(5, 40, (count, 2))], axis=1)


def test_overlaps_are_torchvision_s():
    rng = np.random.default_rng(0)
    boxes, others = boxes_of(rng, 7), boxes_of(rng, 9)
    expected = box_iou(torch.from_numpy(boxes), torch.from_numpy(others)).numpy()
    assert np.allclose(box_overlaps(boxes, others), expected)
    assert box_overlaps(boxes[:0], others).shape == (0, 9)


def f1_at(pictures, label: int, threshold: float) -> float:
    """Counted anew: each box, the best first, takes the free object that it fits best."""
    right = predicted = true = 0
    for boxes, scores, labels, truths, true_labels in pictures:
        mine = sorted(
            (n for n in range(len(scores)) if labels[n] == label and scores[n] >= threshold),
            key=lambda n: -scores[n],
        )
        free = [n for n in range(len(truths)) if true_labels[n] == label]
        predicted, true = predicted + len(mine), true + len(free)
        for n in mine:
            overlaps = {
                t: float(box_iou(torch.tensor(boxes[n : n + 1]), torch.tensor(truths[t : t + 1])))
                for t in free
            }
            best = max(overlaps, key=overlaps.get, default=None)
            if best is not None and overlaps[best] >= 0.5:
                free.remove(best)
                right += 1
    return 2 * right / (predicted + true) if predicted + true else 0.0


@pytest.mark.parametrize("seed", range(4))
def test_no_other_threshold_is_better(seed):
    rng = np.random.default_rng(seed)
    finder, pictures = ThresholdFinder(3), []
    for _ in range(6):
        truths, true_labels = boxes_of(rng, 6), rng.integers(0, 2, 6)
        near = truths + rng.normal(0, 3, truths.shape)
        boxes = np.concatenate([near, boxes_of(rng, 8)])
        labels = np.concatenate([true_labels, rng.integers(0, 3, 8)])
        scores = np.concatenate([rng.uniform(0.2, 1, 6), rng.uniform(0, 0.7, 8)]).round(1)
        pictures.append((boxes, scores, labels, truths, true_labels))
        finder.add(boxes, scores, labels, truths, true_labels, np.zeros(6, bool))
    for label, (threshold, f1) in enumerate(finder.best()):
        best = max(f1_at(pictures, label, t) for t in np.arange(0, 1.05, 0.05))
        if label == 2:  # the truth holds none
            assert (threshold, f1) == (0.3, 0.0)
            continue
        assert f1 == pytest.approx(best) == pytest.approx(f1_at(pictures, label, threshold))


def coco_record(box: np.ndarray, label: int, **others: object) -> dict:
    width, height = (float(side) for side in box[2:] - box[:2])
    box = [float(box[0]), float(box[1]), width, height]
    record = {"image_id": 1, "category_id": int(label) + 1, "bbox": box, "area": width * height}
    return record | others


def f1_by_coco(truths, labels, ignored, found, scores, found_labels, label: int) -> list[float]:
    """Of one picture and class at every score; COCO says which boxes are right, and which count."""
    truth = COCO()
    annotations = [
        coco_record(box, own, id=n + 1, iscrowd=int(crowd))
        for n, (box, own, crowd) in enumerate(zip(truths, labels, ignored, strict=True))
    ]
    truth.dataset = {"images": [{"id": 1}], "annotations": annotations}
    truth.dataset["categories"] = [{"id": own + 1} for own in range(2)]
    truth.createIndex()
    rows = [
        coco_record(box, own, score=float(score))
        for box, score, own in zip(found, scores, found_labels, strict=True)
    ]
    evaluation = COCOeval(truth, truth.loadRes(rows), "bbox")
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.params.catIds = [label + 1]
    evaluation.evaluate()
    judged = evaluation.evalImgs[0]  # of objects of any size
    counts = ~judged["dtIgnore"][0].astype(bool)
    right = (judged["dtMatches"][0] > 0)[counts]
    true = int((~ignored & (labels == label)).sum())
    return list(2 * right.cumsum() / (np.arange(1, len(right) + 1) + true))


@pytest.mark.parametrize("seed", range(4))
def test_boxes_in_a_crowd_are_no_mistakes(seed, capsys):
    """Half of the true boxes are crowds; predictions lie near them, in them and elsewhere."""
    rng = np.random.default_rng(seed)
    truths, labels, ignored = boxes_of(rng, 12), rng.integers(0, 2, 12), np.arange(12) % 2 == 0
    start = truths[:, :2] + (truths[:, 2:] - truths[:, :2]) * rng.uniform(0.1, 0.5, (12, 2))
    inside = np.concatenate([start, start + (truths[:, 2:] - truths[:, :2]) * 0.4], axis=1)
    near = truths + rng.normal(0, 2, truths.shape)
    found = np.concatenate([near, inside, boxes_of(rng, 8)])
    found_labels = np.concatenate([labels, labels, rng.integers(0, 2, 8)])
    scores = rng.permutation(32) / 32
    finder = ThresholdFinder(2)
    finder.add(found, scores, found_labels, truths, labels, ignored)
    assert finder.truths.sum() == 6
    for label, (_, f1) in enumerate(finder.best()):
        expected = f1_by_coco(truths, labels, ignored, found, scores, found_labels, label)
        assert f1 == pytest.approx(max(expected))


def test_thresholds_of_a_checkpoint():
    assert read_thresholds({}, ("a", "b")) is None
    assert read_thresholds({"score_thresholds": {"b": 0.5, "a": 0.1}}, ("a", "b")) == (0.1, 0.5)
