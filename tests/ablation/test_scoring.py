"""Scores on the training's images, and of detectors that find nothing."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("mmdet")
from mmdet.evaluation import CocoMetric
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from PIL import Image

from msa_backbone.ablation.runs import use_fraction
from msa_backbone.ablation.scoring import plain_scores, score_test, score_train, train_as_test

EMPTY = (0, 1, 4)
"""Images without an object, on which no detector trains."""


@MODELS.register_module()
class TellsTheTruth(BaseModel):
    """Finds exactly what is there, or nothing at all."""

    def __init__(self, blind: bool) -> None:
        super().__init__()
        self.blind, self.seen = blind, []

    def forward(self, inputs, data_samples, mode):
        for sample in data_samples:
            self.seen.append(sample.img_id)
            found = sample.gt_instances[:0] if self.blind else sample.gt_instances
            sample.pred_instances = InstanceData(
                bboxes=found.bboxes.tensor,
                labels=found.labels,
                scores=torch.ones(len(found)),
            )
        return data_samples


@pytest.fixture
def cfg(tmp_path) -> Config:
    """Ten images of one class in a file; training leaves those without an object out."""
    records = [{"id": n, "file_name": f"{n}.png", "width": 32, "height": 32} for n in range(10)]
    for record in records:
        Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / record["file_name"])
    box = {"category_id": 1, "bbox": [4, 4, 16, 16], "area": 256, "iscrowd": 0}
    full = [n for n in range(10) if n not in EMPTY]
    annotations = [{"id": k, "image_id": n} | box for k, n in enumerate(full, 1)]
    truth = {"images": records, "annotations": annotations}
    (tmp_path / "truth.json").write_text(
        json.dumps(truth | {"categories": [{"id": 1, "name": "x"}]})
    )
    load = [
        {"type": "LoadImageFromFile"},
        {"type": "LoadAnnotations", "with_bbox": True},
        {"type": "PackDetInputs", "meta_keys": ("img_id", "ori_shape")},
    ]
    data = {
        "type": "CocoDataset",
        "data_root": str(tmp_path),
        "ann_file": "truth.json",
        "data_prefix": {"img": ""},
        "metainfo": {"classes": ("x",)},
        "pipeline": load,
    }
    loader = {"sampler": {"type": "DefaultSampler", "shuffle": False}, "num_workers": 0}
    filters = {"filter_cfg": {"filter_empty_gt": True, "min_size": 1}}
    return Config({
        "default_scope": "mmdet",
        "work_dir": str(tmp_path / "work"),
        "model": {"type": "TellsTheTruth", "blind": False},
        "train_dataloader": {"batch_size": 4, "dataset": data | filters, **loader},
        "test_dataloader": {"batch_size": 4, "dataset": data | {"test_mode": True}, **loader},
        "test_evaluator": {
            "type": "CocoMetric", "ann_file": str(tmp_path / "truth.json"), "metric": "bbox"
        },
        "test_cfg": {},
        "train_cfg": {"by_epoch": True, "max_epochs": 1},
        "optim_wrapper": {"optimizer": {"type": "SGD", "lr": 0.1}},
    })  # fmt: skip


@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_what_was_trained_on_is_scored_and_nothing_else(fraction, cfg):
    if fraction < 1:
        use_fraction(cfg, fraction, 0)
    runner = Runner.from_cfg(cfg)
    runner.call_hook("before_run")  # as a training does
    assert score_train(runner, *train_as_test(cfg))["coco/bbox_mAP"] == 1
    trained = runner.build_dataloader(cfg.train_dataloader).dataset
    images = [trained.get_data_info(n)["img_id"] for n in range(len(trained))]
    assert runner.model.seen == images and len(images) == (7 if fraction == 1 else 4)
    assert not set(EMPTY) & set(images)
    assert score_test(runner)["coco/bbox_mAP"] == 1
    assert len(runner.model.seen) == len(images) + 10


def test_finding_nothing_is_a_precision_of_0(cfg):
    cfg.model.blind = True
    runner = Runner.from_cfg(cfg)
    nothing = {f"coco/bbox_mAP{part}": 0.0 for part in ("", "_50", "_75")}
    assert score_test(runner) == score_train(runner, *train_as_test(cfg)) == nothing


@pytest.mark.parametrize(
    ("options", "told", "expected"),
    [
        ({"metric_items": ["mAP_50"]}, {"coco/bbox_mAP_50": 0.8}, {"coco/bbox_mAP_50": 0.8}),
        ({"metric_items": ["mAP_50"]}, {}, {"coco/bbox_mAP_50": 0.0}),
        ({"metric": ["proposal"]}, {"coco/AR@100": 0.3}, {"coco/AR@100": 0.3}),
        ({"format_only": True, "outfile_prefix": "x"}, {}, {}),
    ],
)
def test_only_what_would_have_been_told_becomes_0(options, told, expected):
    evaluator = SimpleNamespace(metrics=[CocoMetric(**options)])
    assert plain_scores(told, evaluator) == expected


def test_several_training_datasets_are_refused(cfg):
    one = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = {"type": "ConcatDataset", "datasets": [one, one]}
    with pytest.raises(ValueError, match=r"--train-scores needs one training dataset, .* has 2"):
        train_as_test(cfg)
