"""Scores of every class beside those of all."""

import numpy as np
import pytest


def test_classwise_scores_against_a_confusion_matrix_by_hand():
    pytest.importorskip("mmseg")
    import torch
    from mmengine.registry import METRICS

    import msa_backbone  # noqa: F401

    metric = METRICS.build({"type": "ClasswiseIoUMetric"})
    metric.dataset_meta = {"classes": ("sky", "road", "car")}
    truth = torch.tensor([[0, 0, 0, 1], [1, 1, 255, 255]])
    guess = torch.tensor([[0, 0, 1, 1], [1, 0, 2, 0]])
    sample = {"pred_sem_seg": {"data": guess[None]}, "gt_sem_seg": {"data": truth[None]}}
    metric.process({}, [sample])
    scores = metric.evaluate(1)
    assert scores["aAcc"] == pytest.approx(100 * 4 / 6, abs=0.01)
    assert scores["IoU/sky"] == pytest.approx(100 * 2 / 4, abs=0.01)
    assert scores["IoU/road"] == pytest.approx(100 * 2 / 4, abs=0.01)
    assert scores["Acc/sky"] == pytest.approx(100 * 2 / 3, abs=0.01)
    assert np.isnan(scores["IoU/car"])  # neither in the truth that counts nor predicted there
    assert scores["mIoU"] == pytest.approx(50, abs=0.01)
