"""What --data changes in an mmpretrain config, and the scores of every class."""

from pathlib import Path

import pytest
from mmengine.config import Config

from msa_backbone.config.options import set_backbone_weights
from msa_backbone.config.user_data import set_data
from msa_backbone.data.classification.find import ClassificationData
from msa_backbone.data.classification.index import write_index

INDEX = Path("/nowhere/index")
CLASSES = ("ant", "bee", "wild cat")
STEPS = [{"type": "LoadImageFromFile"}, {"type": "PackInputs"}]


@pytest.fixture
def data(tmp_path) -> ClassificationData:
    splits = {"train": (("train/ant/a b.png", 0), ("train/bee/1.png", 1)), "val": (("v.png", 2),)}
    return ClassificationData(tmp_path / "data", CLASSES, splits, ())


def config(**more) -> Config:
    """In the form of mmpretrain's own: 1000 classes, the preprocessor beside the model."""
    dataset = {"type": "ImageNet", "data_root": "data/imagenet", "pipeline": STEPS}
    parts = {
        "model": {
            "head": {"type": "LinearClsHead", "num_classes": 1000, "topk": (1, 5)},
            "train_cfg": {"augments": {"type": "Mixup", "alpha": 0.2, "num_classes": 1000}},
        },
        "data_preprocessor": {"num_classes": 1000, "to_rgb": True, "mean": [1, 2, 3]},
        "train_dataloader": {"batch_size": 7, "dataset": {**dataset, "split": "train"}},
        "val_dataloader": {"dataset": dataset},
        "test_dataloader": {"dataset": dataset},
        "val_evaluator": {"type": "Accuracy", "topk": (1, 5)},
        "test_evaluator": {"type": "Accuracy", "topk": 5},
    }
    return Config(parts | more)


def test_the_data_replace_the_dataset_and_the_rest_stays(data):
    cfg = config()
    set_data(cfg, data, INDEX)
    for loader, split in (("train", "train"), ("val", "val"), ("test", "val")):
        dataset = cfg[f"{loader}_dataloader"].dataset
        assert dataset == {
            "type": "CustomDataset",
            "data_root": str(data.root),
            "ann_file": str(INDEX / f"{split}.txt"),
            "metainfo": {"classes": CLASSES},
            "pipeline": STEPS,
            "test_mode": split != "train",
        }
    assert cfg.train_dataloader.batch_size == 7
    assert cfg.model.head.num_classes == cfg.data_preprocessor.num_classes == 3
    assert cfg.model.train_cfg.augments.num_classes == 3
    assert cfg.data_preprocessor.mean == [1, 2, 3]


@pytest.mark.parametrize(
    ("topk", "expected"), [((1, 5), (1,)), ((1, 3), (1, 3)), ((5,), (1,)), (5, 3)]
)
def test_no_more_than_the_classes_are_counted_as_best(data, topk, expected):
    cfg = config(val_evaluator=[{"type": "Accuracy", "topk": topk}])
    cfg.model.head.topk = topk
    set_data(cfg, data, INDEX)
    assert cfg.val_evaluator[0].topk == cfg.model.head.topk == expected


def test_every_class_is_scored_beside_the_configs_own_metrics(data):
    own = {"type": "SingleLabelMetric", "items": ("precision",), "num_classes": 1000}
    for evaluator, expected in (
        ({"type": "Accuracy", "topk": 1}, [{"type": "Accuracy", "topk": 1}, {}]),
        (None, [{"type": "Accuracy", "topk": (1,)}, {}]),
        ([own, {"type": "AveragePrecision"}], [{"type": "AveragePrecision"}, own]),
    ):
        cfg = config(val_evaluator=evaluator)
        set_data(cfg, data, INDEX)
        expected[-1] = {**expected[-1], "type": "ClasswiseSingleLabelMetric"}
        if evaluator and "num_classes" in expected[-1]:
            expected[-1]["num_classes"] = 3
        assert cfg.val_evaluator == expected


def test_mmpretrain_reads_the_lists_names_with_spaces_included(data, tmp_path):
    datasets = pytest.importorskip("mmpretrain.datasets")
    cfg = config()
    set_data(cfg, data, tmp_path / "index")
    write_index(data, tmp_path / "index")
    options = {
        k: v for k, v in cfg.train_dataloader.dataset.items() if k not in ("type", "pipeline")
    }
    dataset = datasets.CustomDataset(**options)
    assert dataset.CLASSES == CLASSES
    found = [dataset.get_data_info(index) for index in range(len(dataset))]
    assert [(info["img_path"], info["gt_label"]) for info in found] == [
        (f"{data.root}/train/ant/a b.png", 0),
        (f"{data.root}/train/bee/1.png", 1),
    ]


@pytest.mark.parametrize("inside", [True, False])
def test_the_order_of_colours_is_told_by_mmpretrains_name_for_it(inside):
    cfg = config()
    cfg.model.backbone = {"type": "MSAVGG"}
    if inside:
        cfg.model.data_preprocessor = cfg.pop("data_preprocessor")
    assert "RGB, mean [1, 2, 3]" in set_backbone_weights(cfg, "file.pth")
