"""Scores on the training's images, and of detectors that find nothing."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("mmdet")
from mmdet.evaluation import CocoMetric
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
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
    runner.call_hook("before_run")
    nothing = {f"coco/bbox_mAP{part}": 0.0 for part in ("", "_50", "_75")}
    assert score_test(runner) == score_train(runner, *train_as_test(cfg)) == nothing


def test_what_the_config_leaves_out_of_the_test_images_is_in_the_training(cfg):
    filters = cfg.train_dataloader.dataset.pop("filter_cfg")
    cfg.test_dataloader.dataset.update(indices=2, filter_cfg=filters)
    runner = Runner.from_cfg(cfg)
    runner.call_hook("before_run")
    score_train(runner, *train_as_test(cfg))
    assert runner.model.seen == list(range(10))


class Learned(BaseModel):
    """A number that is trained, and told."""

    def __init__(self) -> None:
        super().__init__()
        self.number = torch.nn.Parameter(torch.zeros(()))

    def forward(self, x, mode):
        return {"loss": (self.number - 1).square()} if mode == "loss" else [self.number.item()]


class Told(BaseMetric):
    def process(self, data_batch, data_samples) -> None:
        self.results += data_samples

    def compute_metrics(self, results) -> dict:
        return {"told": results[0]}


def test_the_weights_of_the_checkpoint_are_scored_also_where_they_are_an_average(tmp_path):
    data = [{"x": torch.zeros(1)}] * 4
    loader = {"batch_size": 1, "sampler": {"type": "DefaultSampler"}, "dataset": data}
    runner = Runner(
        model=Learned(),
        work_dir=str(tmp_path),
        train_dataloader=loader,
        train_cfg={"by_epoch": True, "max_epochs": 1},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
        test_dataloader=loader,
        test_cfg={},
        test_evaluator=[Told()],
        custom_hooks=[{"type": "EMAHook", "momentum": 0.5}],
    )
    runner.train()
    kept = torch.load(tmp_path / "epoch_1.pth", weights_only=False)["state_dict"]["number"].item()
    trained = runner.model.number.item()
    assert kept < 0.95 * trained
    assert score_train(runner, loader, [Told()]) == score_test(runner) == {"told": kept}
    assert runner.model.number.item() == trained


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
