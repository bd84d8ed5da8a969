"""What a run leaves behind: tables of scores, and pictures where the visualizer draws some."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.structures import BaseDataElement
from mmengine.visualization import Visualizer
from PIL import Image

pytest.importorskip("matplotlib")
from msa_backbone.openmmlab.hooks.report_hook import ReportHook, score_table, training_table


def test_last_and_best():
    history = [
        {"step": 2, "mAP": 0.2, "mAcc": 0.5, "time": 9.0},
        {"step": 4, "mAP": 0.6},
        {"step": 6, "mAP": 0.4, "mAcc": 0.7, "data_time": 9.0},
    ]
    lines = training_table(history, "config.py").splitlines()
    assert lines[0] == "`config.py`"
    assert lines[4:] == ["| mAP | 0.400 | 0.600 | 4 |", "| mAcc | 0.700 | 0.700 | 6 |"]


def test_nan_is_never_the_best_and_text_is_left_out():
    history = [{"step": 1, "mAP": math.nan, "note": "x"}, {"step": 2, "mAP": 0.1, "note": "y"}]
    assert training_table(history, "c").splitlines()[4:] == ["| mAP | 0.100 | 0.100 | 2 |"]


def test_a_training_without_validation_says_so():
    assert "Nothing was validated" in training_table([], "config.py")


def test_a_test_has_one_value_a_metric():
    lines = score_table({"mAP": np.float64(0.25), "note": "x"}, "c").splitlines()
    assert lines[2:] == ["| metric | value |", "| --- | --- |", "| mAP | 0.250 |"]


def test_scores_per_class_come_last():
    metrics = {"coco/cat_precision": 0.1, "coco/dog_precision": 0.3, "coco/bbox_mAP": 0.2}
    rows = [line.split(" | ")[0] for line in score_table(metrics, "c").splitlines()[4:]]
    assert rows == ["| coco/bbox_mAP", "| coco/cat_precision", "| coco/dog_precision"]


class Draws:
    """A toolbox's visualizer, which writes a grey picture."""

    dataset_meta = None

    def add_datasample(self, name, image, data_sample, out_file=None, pred_score_thr=0.0):
        assert pred_score_thr == 0.4
        Image.new("RGB", (30, 20), (90, 90, 90)).save(out_file)


@pytest.mark.parametrize(
    ("batches", "drawn"),
    [(40, [0, 7, 14, 20, 27, 34]), (3, [0, 1, 2]), (7, [0, 2, 3, 4, 5, 6]), (6, [*range(6)])],
)
def test_pictures_come_from_evenly_spread_batches(batches, drawn, tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "image.jpg")
    sample = BaseDataElement(metainfo={"img_path": str(tmp_path / "image.jpg")})
    for visualizer, expected in ((Draws(), drawn), (Visualizer(), [])):  # mmengine's draws none
        runner = SimpleNamespace(
            rank=0,
            work_dir=str(tmp_path),
            cfg={},  # of one camera
            val_dataloader=[0] * batches,
            visualizer=visualizer,
        )
        hook = ReportHook()
        hook.before_val_epoch(runner)
        seen = []
        for index in range(batches):
            before = len(hook._pictures)
            hook.after_val_iter(runner, index, {}, [sample])
            seen += [index] * (len(hook._pictures) - before)
        assert seen == expected


def test_samples_without_a_file_are_not_drawn(tmp_path):
    """mmpretrain's CIFAR and MNIST are arrays."""
    runner = SimpleNamespace(
        rank=0, work_dir=str(tmp_path), cfg={}, val_dataloader=[0], visualizer=Draws()
    )
    hook = ReportHook()
    hook.before_val_epoch(runner)
    hook.after_val_iter(runner, 0, {}, [BaseDataElement()])
    assert hook._pictures == []


def test_classes_without_a_colour_get_one(tmp_path):
    """mmdet's CocoDataset keeps COCO's 80 colours for any classes, which its visualizer refuses."""
    visualizer = Draws()
    visualizer.dataset_meta = {"classes": ["a", "b", "c"], "palette": [(1, 2, 3)]}
    ReportHook().before_val_epoch(SimpleNamespace(visualizer=visualizer))
    assert len(set(visualizer.dataset_meta["palette"])) == 3


@pytest.mark.parametrize(("last_validation", "tables"), [(20, 2), (10, 2), (None, 1)])
def test_everything_is_written_once_a_validation_and_at_the_end(
    last_validation, tables, tmp_path, monkeypatch
):
    """A training of 20 steps: validated at both halves, at the first one alone, or never."""
    written = []
    monkeypatch.setattr(ReportHook, "_write", lambda self, runner, table: written.append(table))
    runner = SimpleNamespace(
        rank=0, work_dir=str(tmp_path), iter=0, cfg=Config(), logger=MMLogger.get_instance("once")
    )
    hook = ReportHook()
    for runner.iter in (10, 20):
        if last_validation is not None and runner.iter <= last_validation:
            hook.after_val_epoch(runner, {"mAP": 0.5})
    hook.after_train(runner)
    assert len(written) == tables


def test_other_ranks_write_nothing(tmp_path):
    runner = SimpleNamespace(rank=1, work_dir=str(tmp_path))
    hook = ReportHook()
    hook.after_val_epoch(runner, {"mAP": 0.5})
    hook.after_test_epoch(runner, {"mAP": 0.5})
    hook.after_train(runner)
    assert list(tmp_path.iterdir()) == []
