"""Plain results of a checkpoint, and pictures that no model can take."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from msa_backbone.errors import DataError
from msa_backbone.inference.checkpoint_model import CheckpointModel, plain_result
from msa_backbone.tasks import Task


def predictor(task: Task, **attributes: object) -> SimpleNamespace:
    none = {"classes": ("a", "b"), "palette": ((0, 0, 0),) * 2, "thresholds": None}
    return SimpleNamespace(task=task, modalities=(), absent=(), **none, **attributes)


def test_one_channel_has_logits_though_mmseg_gives_probabilities():
    head = SimpleNamespace(threshold=0.3)
    source = predictor(Task.SEMANTIC_SEGMENTATION, model=SimpleNamespace(decode_head=head))
    expected = torch.tensor([[[-2.0, 0.0, 3.0, 400.0]]])
    sample = SimpleNamespace(
        seg_logits=SimpleNamespace(data=expected.sigmoid()),
        pred_sem_seg=SimpleNamespace(data=(expected.sigmoid() > 0.3).long()),
    )
    found = plain_result(sample, source)
    assert np.allclose(found.logits[..., :3], expected[..., :3], atol=1e-5)
    assert np.isfinite(found.logits).all() and found.logits[0, 0, 3] > 15
    assert found.labels.tolist() == [[0, 1, 1, 1]]


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((8, 9), np.uint8),
        np.zeros((8, 9, 4), np.uint8),
        np.zeros((8, 9, 3), np.float32),
    ],
)
def test_what_is_no_rgb_picture_is_refused(picture):
    model = CheckpointModel(predictor(Task.DETECTION))
    with pytest.raises(DataError, match=r"the picture is \(8, 9.* give RGB, \(H, W, 3\), uint8"):
        model.find([picture], ["a"])
