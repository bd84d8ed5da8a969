"""Scores of every class beside those of all."""

import pytest
import torch

CLASSES = ("ant", "bee", "wild cat")


def test_scores_of_the_classes_are_those_of_counting():
    pytest.importorskip("mmpretrain")
    from msa_backbone.openmmlab.metrics.classwise_single_label import ClasswiseSingleLabelMetric

    metric = ClasswiseSingleLabelMetric()
    metric.dataset_meta = {"classes": CLASSES}
    truth, guess = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]
    results = [
        {"gt_label": torch.tensor([t]), "pred_score": torch.eye(3)[g]}
        for t, g in zip(truth, guess, strict=True)
    ]
    scores = metric.compute_metrics(results)
    recalls, precisions = (200 / 3, 50, 100), (100, 50, 50)
    for name, recall, precision in zip(CLASSES, recalls, precisions, strict=True):
        assert scores[f"recall/{name}"] == pytest.approx(recall, abs=0.01)
        assert scores[f"precision/{name}"] == pytest.approx(precision, abs=0.01)
    assert scores["recall"] == pytest.approx(sum(recalls) / 3)
    assert metric.average == "macro"
