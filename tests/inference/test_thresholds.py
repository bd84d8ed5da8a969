"""Thresholds by class: those of the best F1, against trying all."""

import numpy as np
import pytest
import torch
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
        finder.add(boxes, scores, labels, truths, true_labels)
    for label, (threshold, f1) in enumerate(finder.best()):
        best = max(f1_at(pictures, label, t) for t in np.arange(0, 1.05, 0.05))
        if label == 2:  # the truth holds none
            assert (threshold, f1) == (0.3, 0.0)
            continue
        assert f1 == pytest.approx(best) == pytest.approx(f1_at(pictures, label, threshold))


def test_thresholds_of_a_checkpoint():
    assert read_thresholds({}, ("a", "b")) is None
    assert read_thresholds({"score_thresholds": {"b": 0.5, "a": 0.1}}, ("a", "b")) == (0.1, 0.5)
