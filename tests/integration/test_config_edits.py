"""Each edit of a config changes what it names and leaves the rest."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper, build_optim_wrapper
from PIL import Image

from msa_backbone.data.layouts import find_detection_data
from msa_backbone.data.splits import make_val_split
from msa_backbone.integration import config_edits, detection_edits
from msa_backbone.integration.optim import CPUAmpOptimWrapper

INDEX = Path("/nowhere/index")
PACK = {"type": "PackDetInputs"}


@pytest.fixture
def voc_data(tmp_path):
    for name in "abc":
        Image.new("RGB", (32, 24)).save(tmp_path / f"{name}.jpg")
        (tmp_path / f"{name}.xml").write_text(
            "<annotation><size><width>32</width><height>24</height></size>"
            "<object><name>cell</name><bndbox><xmin>3</xmin><ymin>3</ymin>"
            "<xmax>13</xmax><ymax>13</ymax></bndbox></object></annotation>"
        )
    return make_val_split(find_detection_data(tmp_path))


@pytest.fixture
def coco_data(tmp_path):
    (tmp_path / "images").mkdir()
    for split, name in (("train", "a.png"), ("val", "b.png"), ("test", "c.png")):
        Image.new("RGB", (32, 24)).save(tmp_path / "images" / name)
        content = {
            "images": [{"id": 1, "file_name": name, "width": 32, "height": 24}],
            "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
            "annotations": [
                {
                    "id": 1,
                    "image_id": 1,
                    "category_id": 2,
                    "bbox": [1, 1, 9, 9],
                    "area": 81,
                    "iscrowd": 0,
                }
            ],
        }
        path = tmp_path / "annotations" / f"instances_{split}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return find_detection_data(tmp_path)


def config(train_dataset=None, pipeline=()) -> Config:
    steps = pipeline or [
        {"type": "LoadAnnotations", "with_bbox": True},
        {"type": "PackDetInputs"},
    ]
    dataset = {"type": "CocoDataset", "data_root": "data/coco/", "pipeline": steps}
    loader = {"batch_size": 7, "dataset": dataset}
    return Config(
        {
            "model": {
                "backbone": {"type": "MSAVGG", "init_cfg": None},
                "roi_head": {"bbox_head": [{"num_classes": 80}, {"num_classes": 80}]},
                "mask_head": {"num_classes": 80},
            },
            "train_dataloader": {"batch_size": 7, "dataset": train_dataset or dataset},
            "val_dataloader": loader,
            "test_dataloader": loader,
            "val_evaluator": {"type": "CocoMetric", "ann_file": "x"},
            "test_evaluator": {"type": "CocoMetric", "ann_file": "x"},
            "optim_wrapper": {"type": "OptimWrapper", "optimizer": {"type": "SGD", "lr": 0.1}},
        }
    )


def test_coco_data_replaces_the_dataset_and_keeps_the_rest(coco_data):
    cfg = config()
    detection_edits.set_detection_data(cfg, coco_data, INDEX)
    heads = cfg.model.roi_head.bbox_head
    assert [h.num_classes for h in (*heads, cfg.model.mask_head)] == [2, 2, 2]
    for split in ("train", "val", "test"):
        loader = cfg[f"{split}_dataloader"]
        assert loader.batch_size == 7
        assert loader.dataset.type == "CocoDataset"
        assert loader.dataset.ann_file.endswith(f"annotations/instances_{split}.json")
        assert loader.dataset.metainfo.classes == ("cat", "dog")
        assert loader.dataset.metainfo.palette == [(217, 33, 33), (33, 217, 217)]
        assert loader.dataset.test_mode == (split != "train")
    for split in ("val", "test"):
        (metric,) = cfg[f"{split}_evaluator"]
        assert metric.type == "CocoMetric"
        assert metric.ann_file == cfg[f"{split}_dataloader"].dataset.ann_file


def test_voc_data_is_read_through_the_index_and_judged_both_ways(voc_data):
    cfg = config()
    detection_edits.set_detection_data(cfg, voc_data, INDEX)
    assert cfg.train_dataloader.dataset.ann_file == str(INDEX / "train.json")
    # without a test split, testing uses val
    assert cfg.test_dataloader.dataset.ann_file == str(INDEX / "val.json")
    voc, coco = cfg.test_evaluator
    assert (voc.type, voc.eval_mode) == ("VOCMetric", "area")
    assert (coco.type, coco.ann_file) == ("CocoMetric", str(INDEX / "val.json"))


def test_the_configs_own_filter_and_metric_stay(coco_data):
    cfg = config({"type": "CocoDataset", "pipeline": config().train_dataloader.dataset.pipeline})
    detection_edits.set_detection_data(cfg, coco_data, INDEX)
    filter_cfg = cfg.train_dataloader.dataset.filter_cfg
    assert filter_cfg == {"filter_empty_gt": True, "min_size": 1}
    assert "filter_cfg" not in cfg.val_dataloader.dataset

    cfg = config()
    cfg.train_dataloader.dataset.filter_cfg = {"filter_empty_gt": False}
    cfg.val_evaluator = [{"type": "CocoMetric", "metric": ["bbox", "proposal"]}]
    detection_edits.set_detection_data(cfg, coco_data, INDEX)
    assert cfg.train_dataloader.dataset.filter_cfg == {"filter_empty_gt": False}
    assert cfg.val_evaluator[0].metric == ["bbox", "proposal"]
    assert cfg.test_evaluator[0].metric == "bbox"


def test_masks_are_asked_for_before_training(coco_data):
    cfg = config(pipeline=[{"type": "LoadAnnotations", "with_mask": True}, PACK])
    with pytest.raises(ValueError, match=r"instances_train.json: annotation 1 has no segmentation"):
        detection_edits.set_detection_data(cfg, coco_data, INDEX)
    for split in coco_data.splits.values():
        split.content["annotations"][0]["segmentation"] = [[1, 1, 9, 1, 9, 9]]
    detection_edits.set_detection_data(cfg, coco_data, INDEX)


def test_the_report_is_added_once_and_finds_its_log():
    cfg = config()
    cfg.visualizer = {
        "type": "DetLocalVisualizer",
        "vis_backends": [{"type": "TensorboardVisBackend"}],
    }
    for _ in range(2):  # the second time as from a dumped config
        config_edits.add_report(cfg)
        assert [hook.type for hook in cfg.custom_hooks] == ["ReportHook"]
        kinds = [backend.type for backend in cfg.visualizer.vis_backends]
        assert kinds == ["TensorboardVisBackend", "LocalVisBackend"]
    bare = config()
    config_edits.add_report(bare)
    assert bare.visualizer.vis_backends == [{"type": "LocalVisBackend"}]


def test_a_run_is_made_resumable_once_and_keeps_the_hooks_options():
    cfg = config()
    cfg.default_hooks = {"checkpoint": {"type": "CheckpointHook", "interval": 3}}
    cfg.custom_hooks = [{"type": "EMAHook"}]
    cfg.train_dataloader.persistent_workers = True
    for _ in range(2):
        config_edits.make_resumable(cfg)
    assert cfg.default_hooks.checkpoint == {"type": "AtomicCheckpointHook", "interval": 3}
    assert [hook.type for hook in cfg.custom_hooks] == ["EMAHook", "SeedHook"]
    assert cfg.train_dataloader.persistent_workers is False


@pytest.mark.parametrize("hooks", [None, {"checkpoint": None}, {"checkpoint": {"type": "Mine"}}])
def test_other_ways_to_save_checkpoints_stay(hooks):
    cfg = config() if hooks is None else Config({**config().to_dict(), "default_hooks": hooks})
    config_edits.make_resumable(cfg)
    saved = cfg.default_hooks.checkpoint
    if hooks is None:  # mmengine's default: a checkpoint an epoch
        assert saved == {"type": "AtomicCheckpointHook", "interval": 1}
    else:
        assert saved == hooks["checkpoint"]


def test_processes_on_cpus_ask_for_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    cfg = config()
    cfg.launcher = "pytorch"
    cfg.find_unused_parameters = True
    cfg.model.neck = {"type": "FPN", "norm_cfg": {"type": "SyncBN", "requires_grad": True}}
    config_edits.fit_processes(cfg)
    assert cfg.model_wrapper_cfg == {
        "type": "MMDistributedDataParallel",
        "broadcast_buffers": False,
        "find_unused_parameters": True,
        "device_ids": None,
    }
    assert cfg.model.neck.norm_cfg == {"type": "BN", "requires_grad": True}
    cfg.model_wrapper_cfg = {"type": "Mine", "static_graph": True}
    config_edits.fit_processes(cfg)
    assert cfg.model_wrapper_cfg.type == "Mine" and cfg.model_wrapper_cfg.static_graph


@pytest.mark.parametrize(("launcher", "cuda"), [("none", False), ("pytorch", True)])
def test_one_process_and_gpus_are_left_to_mmengine(launcher, cuda, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    cfg = config()
    cfg.launcher = launcher
    before = cfg.to_dict()
    config_edits.fit_processes(cfg)
    assert cfg.to_dict() == before


def test_the_seed_leaves_other_randomness_options():
    cfg = Config({"randomness": {"seed": 1, "deterministic": True}})
    config_edits.set_seed(cfg, 2)
    assert cfg.randomness == {"seed": 2, "deterministic": True}


def test_wrapped_datasets_keep_their_wrapper(coco_data):
    pipeline = [{"type": "LoadAnnotations"}, {"type": "PackDetInputs"}]
    inner = {"type": "VOCDataset", "pipeline": pipeline}
    joined = {"type": "ConcatDataset", "ignore_keys": ["dataset_type"], "datasets": [inner, inner]}

    cfg = config({"type": "RepeatDataset", "times": 3, "dataset": inner})
    detection_edits.set_detection_data(cfg, coco_data, INDEX)
    dataset = cfg.train_dataloader.dataset
    assert (dataset.type, dataset.times, dataset.dataset.type) == (
        "RepeatDataset",
        3,
        "CocoDataset",
    )

    cfg = config({"type": "RepeatDataset", "times": 3, "dataset": joined})
    detection_edits.set_detection_data(cfg, coco_data, INDEX)
    dataset = cfg.train_dataloader.dataset
    assert (dataset.times, dataset.dataset.type) == (3, "CocoDataset")
    assert dataset.dataset.pipeline[0].type == "LoadAnnotations"

    cfg = config(joined)
    detection_edits.set_detection_data(cfg, coco_data, INDEX)
    assert cfg.train_dataloader.dataset.type == "CocoDataset"


def test_a_config_without_the_loader_is_refused(coco_data):
    cfg = config()
    cfg.val_dataloader = None
    with pytest.raises(ValueError, match="no val_dataloader"):
        detection_edits.set_detection_data(cfg, coco_data, INDEX)


def test_weights_fill_the_backbone_and_the_vgg_head():
    cfg = config()
    cfg.model.roi_head.bbox_head = {"type": "VGGBBoxHead", "init_cfg": None}
    cfg.model.pretrained = "open-mmlab://resnet50_v1c"
    cfg.model.data_preprocessor = {"mean": [1, 2, 3], "std": [1, 1, 1], "bgr_to_rgb": True}
    fed = config_edits.set_backbone_weights(cfg, "vgg16.pth")
    assert "RGB, mean [1, 2, 3], std [1, 1, 1]" in fed
    assert cfg.model.pretrained is None
    assert cfg.model.backbone.init_cfg == {"type": "Pretrained", "checkpoint": "vgg16.pth"}
    assert cfg.model.roi_head.bbox_head.init_cfg.checkpoint == "vgg16.pth"
    cfg.model.pretrained = "open-mmlab://resnet50_v1c"
    config_edits.drop_pretrained(cfg)
    assert cfg.model.pretrained is None
    assert cfg.model.backbone.init_cfg is None
    assert cfg.model.roi_head.bbox_head.init_cfg is None


@pytest.mark.parametrize(
    ("cuda", "bfloat16", "expected", "said"),
    [
        (True, False, "AmpOptimWrapper", "float16 on CUDA"),
        (False, True, "CPUAmpOptimWrapper", "bfloat16 on the CPU"),
        (False, False, "OptimWrapper", "computing in float32"),
    ],
)
def test_mixed_precision_fits_the_device(monkeypatch, cuda, bfloat16, expected, said):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(config_edits, "cpu_computes_in_bfloat16", lambda: bfloat16)
    cfg = config()
    before = cfg.optim_wrapper.to_dict()
    assert said in config_edits.set_mixed_precision(cfg)
    assert cfg.optim_wrapper.type == expected
    assert cfg.optim_wrapper.optimizer.lr == 0.1
    assert (cfg.optim_wrapper.to_dict() == before) == (expected == "OptimWrapper")


def test_a_config_made_for_mixed_precision_on_cuda_works_on_a_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for bfloat16, expected in ((True, CPUAmpOptimWrapper), (False, OptimWrapper)):
        monkeypatch.setattr(config_edits, "cpu_computes_in_bfloat16", lambda b=bfloat16: b)
        cfg = config()
        cfg.optim_wrapper.update(type="AmpOptimWrapper", loss_scale="dynamic", dtype="float16")
        config_edits.set_mixed_precision(cfg)
        wrapper = build_optim_wrapper(torch.nn.Linear(2, 2), cfg.optim_wrapper)
        assert type(wrapper) is expected


def test_cpus_with_vector_bfloat16_are_told_apart():
    capability = torch.backends.cpu.get_cpu_capability()
    if capability.startswith("AVX") and torch.backends.mkldnn.is_available():
        assert config_edits.cpu_computes_in_bfloat16() == capability.startswith("AVX512")


def test_cpu_amp_wrapper_autocasts_inside_its_context_only():
    model = torch.nn.Linear(2, 2)
    wrapper = CPUAmpOptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    with wrapper.optim_context(model):
        assert model(torch.ones(1, 2)).dtype == torch.bfloat16
    assert model(torch.ones(1, 2)).dtype == torch.float32
    assert issubclass(CPUAmpOptimWrapper, OptimWrapper)


def test_auto_scale_lr_needs_the_base_batch_size():
    cfg = config()
    with pytest.raises(ValueError, match="base_batch_size"):
        config_edits.enable_auto_scale_lr(cfg)
    cfg.auto_scale_lr = {"enable": False, "base_batch_size": 16}
    config_edits.enable_auto_scale_lr(cfg)
    assert cfg.auto_scale_lr.enable
