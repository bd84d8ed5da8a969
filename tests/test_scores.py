"""Which score leads, and which of its values is the best."""

import math

import pytest

from msa_backbone.ablation.tables import ablation_table
from msa_backbone.openmmlab.hooks.report_hook import training_table
from msa_backbone.plots.comparison import compare
from msa_backbone.scores import HEADLINES, LABELS, best_of, headline, less_is_better
from msa_backbone.tasks import Task


def test_every_task_is_led_by_its_own_first_score():
    assert set(HEADLINES) <= set(LABELS)
    for task in Task:
        assert headline(reversed(task.headline_scores)) == task.headline_scores[0]


def test_voc_data_have_one_headline_everywhere():
    """Their evaluator writes VOC's mAP and COCO's AP."""
    scores = {"pascal_voc/mAP": 0.9, "coco/bbox_mAP": 0.5, "coco/bbox_mAP_50": 0.9}
    assert headline(scores) == "coco/bbox_mAP"
    table = ablation_table({"plain": {0: {"test": scores}}}, headline(scores))
    assert table.startswith("| variant | seeds | AP | difference to plain |")
    tiles = pytest.importorskip("msa_backbone.report.render").headline_tiles(scores)
    assert tiles[0] == ("coco/bbox_mAP", 0.5)


def test_a_metric_that_is_asked_for_leads_if_it_is_there():
    assert headline({"mIoU", "aAcc"}, "aAcc") == "aAcc"
    assert headline(["coco/bbox_mAP", "coco/bbox_mAP_s"], "coco/bbox_mAP_s") == "coco/bbox_mAP_s"
    for names, metric in ((["mIoU", "aAcc"], "mAP"), (["aAcc", "mIoU/x"], None)):
        with pytest.raises(ValueError, match=f"no run has a score {metric!r}: choose one of aAcc"):
            headline(names, metric)


@pytest.mark.parametrize(
    "name", ["loss", "val/loss_cls", "depth/RMSE", "abs_rel", "top1-error", "crowd_human/mMR"]
)
def test_of_losses_and_errors_less_is_better(name, tmp_path):
    records = [{name: value, "step": i} for i, value in enumerate((0.5, 0.2, math.nan, 0.3))]
    assert less_is_better(name) and best_of(name, records) == (0.2, 1)
    assert training_table(records, "c").splitlines()[-1] == f"| {name} | 0.300 | 0.200 | 1 |"
    curve = {record["step"]: record[name] for record in records}
    assert "| 0.3000 | 0.2000 | 1 |" in compare({"a": [curve]}, name, tmp_path / "a.png")
    rows = pytest.importorskip("msa_backbone.report.render").score_rows({name: 0.3}, records)
    assert rows == [(name, "0.300", "0.200", "1")]


@pytest.mark.parametrize("name", [*LABELS, "IoU/error", "coco/loss_precision", "glossy"])
def test_of_scores_more_is_better(name):
    records = [{"step": 1}, {name: 0.5, "step": 2}, {name: 0.5, "step": 3}, {name: 0.2, "step": 4}]
    assert not less_is_better(name) and best_of(name, records) == (0.5, 2)


def test_nothing_is_the_best_of_nothing():
    for records in ([], [{"step": 1}], [{"mIoU": math.nan, "step": 1}]):
        value, step = best_of("mIoU", records)
        assert math.isnan(value) and step == ""
