"""The task of a config, however the config is written."""

import importlib

import pytest
from mmengine.config import Config

from msa_backbone.tasks import Task, task_of

PACKS = [
    ("PackDetInputs", Task.DETECTION),
    ("mmdet.PackDetInputs", Task.DETECTION),
    ("PackSegInputs", Task.SEMANTIC_SEGMENTATION),
    ("mmpretrain.PackInputs", Task.CLASSIFICATION),
    (type("PackSegInputs", (), {}), Task.SEMANTIC_SEGMENTATION),
]


def config(*steps: dict, loader: str = "train_dataloader") -> Config:
    dataset = {"type": "RepeatDataset", "dataset": {"type": "Any", "pipeline": list(steps)}}
    return Config({"model": {}, loader: {"dataset": dataset}})


@pytest.mark.parametrize(("pack", "task"), PACKS)
@pytest.mark.parametrize("loader", ["train_dataloader", "test_dataloader"])
def test_the_packing_step_tells_the_task(loader, pack, task):
    assert task_of(config({"type": "Resize"}, {"type": pack}, loader=loader)) is task


def test_instance_segmentation_is_detection_that_loads_masks():
    load = {"type": "LoadAnnotations", "with_bbox": True, "with_mask": True}
    assert task_of(config(load, {"type": "PackDetInputs"})) is Task.INSTANCE_SEGMENTATION


def test_a_config_of_another_toolbox_is_refused():
    with pytest.raises(ValueError, match="none of PackDetInputs, PackSegInputs and PackInputs"):
        task_of(config({"type": "PackRows"}))


@pytest.mark.parametrize("task", Task)
def test_the_toolbox_has_what_the_task_names(task):
    for folder, name in (
        ("datasets.transforms", task.pack_step),
        ("visualization", task.visualizer),
    ):
        assert hasattr(importlib.import_module(f"{task.toolbox}.{folder}"), name)
