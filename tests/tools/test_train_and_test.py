"""The tools on real runs of a few iterations: what they write, and that they do what they say."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from msa_backbone import MSAVGG
from msa_backbone.files.checkpoints import read_state_dict
from msa_backbone.files.training_log import read_records

TOOLS = Path(__file__).parents[2] / "tools"
NO_WORKERS = [
    f"{split}_dataloader.{key}"
    for split in ("train", "val", "test")
    for key in ("num_workers=0", "persistent_workers=False")
]


def scalars(work_dir: Path) -> list[dict]:
    path = max(work_dir.glob("*/vis_data/scalars.json"))
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_train_on_a_coco_folder_then_resume_and_test(run_tool, tiny_config, demo, tmp_path, capsys):
    work = tmp_path / "work"
    run_tool("train", tiny_config, "--data", demo / "coco", "--work-dir", work, "--seed", 1)
    printed = capsys.readouterr().out
    assert "format coco" in printed
    assert "train: 24 images" in printed
    assert "10 classes" in printed
    assert (work / "epoch_2.pth").is_file()
    table = (work / "results.md").read_text()
    assert "| coco/bbox_mAP_50 |" in table
    for name in ("curves.png", "predictions.png"):
        assert np.asarray(Image.open(work / name).convert("L")).std() > 10, name
    losses = [record["loss"] for record in scalars(work) if "loss" in record]
    assert len(losses) == 6
    assert all(np.isfinite(losses))
    # a user's COCO json is read where it lies
    assert not (work / "data").exists()

    options = ["--cfg-options", "train_cfg.max_epochs=3"]
    run_tool(
        "train", tiny_config, "--data", demo / "coco", "--work-dir", work, "--resume", *options
    )
    epochs = [record["epoch"] for record in scalars(work) if "loss" in record]
    assert epochs == [3, 3, 3]

    table = (work / "results.md").read_text()
    steps = [int(row.rsplit("|", 2)[1]) for row in table.splitlines() if "mAP_50" in row]
    assert len(steps) == 1 and steps[0] in (1, 2, 3)

    # resuming what has ended ends again, and nothing is lost
    run_tool(
        "train", tiny_config, "--data", demo / "coco", "--work-dir", work, "--resume", *options
    )
    assert (work / "results.md").read_text() == table

    out = tmp_path / "test"
    run_tool("test", tiny_config, work / "epoch_2.pth", "--data", demo / "coco", "--work-dir", out)
    assert "| coco/bbox_mAP |" in (out / "results.md").read_text()
    assert (out / "predictions.png").is_file()


@pytest.mark.slow
def test_a_test_has_a_folder_of_its_own(run_tool, tiny_config, demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = ["--data", demo / "voc"]
    run_tool("train", tiny_config, *data, "--cfg-options", "train_cfg.max_epochs=1")
    work = tmp_path / "work_dirs/tiny"
    trained = {path: path.read_bytes() for path in work.iterdir() if path.is_file()}
    assert {"results.md", "curves.png", "predictions.png"} <= {path.name for path in trained}
    folders = {path.name for path in work.iterdir() if path.is_dir()}
    for option in ([], ["--work-dir", work], ["--cfg-options", f"work_dir={work}"]):
        run_tool("test", tiny_config, work / "epoch_1.pth", *data, *option)
        assert {path: path.read_bytes() for path in work.iterdir() if path.is_file()} == trained
        assert {path.name for path in work.iterdir() if path.is_dir()} == {*folders, "test"}
        assert "| metric | value |" in (work / "test/results.md").read_text()
        shutil.rmtree(work / "test")


def test_the_work_dir_may_come_from_the_options(run_tool, tiny_config, demo, tmp_path):
    out = tmp_path / "out"
    options = ["--cfg-options", f"work_dir={out}", "train_cfg.max_epochs=1"]
    run_tool("train", tiny_config, "--data", demo / "voc", *options)
    assert (out / "data/train.json").is_file() and (out / "epoch_1.pth").is_file()


def test_resume_goes_on_from_the_work_dir_not_from_load_from(run_tool, tiny_config, demo, tmp_path):
    work, data = tmp_path / "work", ["--data", demo / "coco"]
    start = ["--cfg-options", "train_cfg.max_epochs=1"]
    run_tool("train", tiny_config, *data, "--work-dir", tmp_path / "first", *start)
    tuned = tmp_path / "tuned.py"
    tuned.write_text(
        f"_base_ = {str(tiny_config)!r}\nload_from = {str(tmp_path / 'first/epoch_1.pth')!r}\n"
    )
    run_tool("train", tuned, *data, "--work-dir", work, *start)
    run_tool("train", tuned, *data, "--work-dir", work, "--resume")
    assert [record["epoch"] for record in scalars(work) if "loss" in record] == [2, 2, 2]


def test_voc_folder_names_its_own_classes(run_tool, tiny_config, demo, tmp_path, capsys):
    """mmdet's metric would print Pascal's names, aeroplane first, for a path with VOC2007."""
    shutil.copytree(demo / "voc", tmp_path / "voc")
    xml = min((tmp_path / "voc/VOC2007/Annotations").iterdir())
    flat = "<xmin>9</xmin><ymin>9</ymin><xmax>9</xmax><ymax>9</ymax>"
    flat = f"<object><name>7</name><bndbox>{flat}</bndbox></object></annotation>"
    xml.write_text(xml.read_text().replace("</annotation>", flat))
    work = tmp_path / "work"
    run_tool(
        *("train", tiny_config, "--data", tmp_path / "voc", "--classes", "7", "3"),
        *("--work-dir", work, "--cfg-options", "train_cfg.max_epochs=1"),
    )
    assert "box less than a pixel wide or high: 1 in train" in capsys.readouterr().out
    losses = [record["loss"] for record in scalars(work) if "loss" in record]
    assert losses and all(np.isfinite(losses))
    log = max(work.glob("*/*.log")).read_text()
    assert "aeroplane" not in log
    rows = re.findall(r"^\| (\w+) +\| (\d+) +\| \d+", log, re.MULTILINE)
    truth = json.loads((work / "data/val.json").read_text())
    names = {c["id"]: c["name"] for c in truth["categories"]}
    assert list(names.values()) == ["7", "3"]
    counts = dict.fromkeys(names.values(), 0)
    for record in truth["annotations"]:
        counts[names[record["category_id"]]] += 1
    assert dict(rows) == {name: str(count) for name, count in counts.items()}
    table = (work / "results.md").read_text()
    assert "| pascal_voc/mAP |" in table
    assert "| coco/bbox_mAP_s |" in table
    config = max(work.glob("*.py")).read_text()
    assert "num_classes=2" in config


def test_dry_run_trains_nothing(run_tool, tiny_config, demo, tmp_path, capsys):
    work = tmp_path / "work"
    run_tool("train", tiny_config, "--data", demo / "coco", "--work-dir", work, "--dry-run")
    printed = capsys.readouterr().out
    for text in ("nothing was trained", "classes (10): 0, 1", "per iteration", "peak memory"):
        assert text in printed
    assert "for 6 iterations and 2 validations" in printed
    assert [p.name for p in work.iterdir()] == ["dry_run.png"]
    width, height = Image.open(work / "dry_run.png").size
    assert width >= 4 * 128 and height >= 2 * 128


def test_other_initialisation_and_filter(run_tool, tiny_config, demo, tmp_path):
    path = tmp_path / "kaiming.py"
    path.write_text(
        f"_base_ = {str(tiny_config)!r}\ntrain_cfg = dict(max_epochs=1)\n"
        "model = dict(backbone=dict(init_cfg=[dict(type='Kaiming', layer='Conv2d')]))\n"
        "train_dataloader = dict(dataset=dict(filter_cfg=dict(filter_empty_gt=False)))\n"
    )
    work = tmp_path / "work"
    run_tool("train", path, "--data", demo / "coco", "--work-dir", work)
    assert (work / "epoch_1.pth").is_file()


def test_weights_reach_the_backbone(run_tool, tiny_config, demo, tmp_path, capsys):
    def saved(reduction_ratio: int) -> MSAVGG:
        source = MSAVGG(
            base_channels=8,
            out_indices=(1, 2, 3, 4),
            norm_cfg={"type": "BN"},
            attention={"type": "MultiScaleAttention", "reduction_ratio": reduction_ratio},
        )
        torch.save(source.state_dict(), tmp_path / "vgg.pth")
        return source

    saved(reduction_ratio=4)
    options = ["--cfg-options", "optim_wrapper.optimizer.lr=0", "train_cfg.max_epochs=1"]
    options += ["param_scheduler=[]", "model.backbone.attention.reduction_ratio=8"]
    work = tmp_path / "work"
    with pytest.raises(SystemExit, match="shape"):  # the model has 8
        run_tool(
            *("train", tiny_config, "--data", demo / "coco", "--work-dir", work),
            *("--weights", tmp_path / "vgg.pth", *options),
        )
    source = saved(reduction_ratio=8)
    arguments = ["--data", demo / "coco", "--weights", tmp_path / "vgg.pth", "--work-dir", work]
    run_tool("train", tiny_config, *arguments, *options)
    trained = read_state_dict(work / "epoch_1.pth")
    for name, tensor in source.named_parameters():
        assert torch.equal(trained[f"backbone.{name}"], tensor), name


@pytest.mark.slow
def test_the_real_blood_cells_train_from_imagenet_weights(run_tool, tmp_path, capsys):
    shared = Path(__file__).parents[3] / "shared"
    weights = shared / "weights/vgg16_imagenet_fp16.pth"
    if not weights.is_file():
        pytest.skip(f"the ImageNet weights are not at {weights}")
    config = TOOLS.parent / "configs/detection/faster-rcnn_msa-vgg16-caffe_fpn_1xb1-5e_320x240.py"
    work = tmp_path / "work"
    run_tool(
        *("train", config, "--data", shared / "data/bccd", "--weights", weights),
        *("--work-dir", work, "--seed", 0, "--cfg-options", *NO_WORKERS),
        *("train_dataloader.dataset.indices=20", "val_dataloader.dataset.indices=4"),
        *("train_cfg.max_epochs=1", "default_hooks.logger.interval=1", "param_scheduler.0.end=5"),
    )
    printed = capsys.readouterr().out
    assert "Platelets, RBC, WBC" in printed and "BGR, mean [103.939" in printed
    losses = [record["loss"] for record in scalars(work) if "loss" in record]
    assert len(losses) == 20 and all(np.isfinite(losses))
    assert losses[-1] < 0.9 * losses[0]  # the log smooths over all iterations so far
    log = max(work.glob("*/*.log")).read_text()
    assert re.findall(r"^\| (\w+) +\| \d+ +\|", log, re.MULTILINE) == ["Platelets", "RBC", "WBC"]


@pytest.mark.slow
def test_the_seed_and_the_scaled_learning_rate(run_tool, tiny_config, demo, tmp_path):
    runs = []
    for name, seed, more in (("a", 3, []), ("b", 3, ["--auto-scale-lr"]), ("c", 4, [])):
        work = tmp_path / name
        run_tool(
            *("train", tiny_config, "--data", demo / "coco", "--work-dir", work, *more),
            *("--seed", seed, "--cfg-options", "train_cfg.max_epochs=1", "param_scheduler=[]"),
            "val_dataloader.dataset.indices=2",
        )
        runs.append([record for record in scalars(work) if "loss" in record])
    first, scaled, other = runs
    assert first[0]["loss"] == scaled[0]["loss"] != other[0]["loss"]  # before the first step
    assert first[1]["loss"] != scaled[1]["loss"]
    assert scaled[0]["lr"] == pytest.approx(8 * first[0]["lr"])  # batch 8 for 1


def test_the_original_single_level_form_trains(run_tool, demo, tmp_path, capsys):
    """conv5_3, fc6 and fc7: an eighth as wide, and started from a whole VGG16's file."""
    torch.manual_seed(0)
    backbone = MSAVGG(base_channels=8, out_indices=(4,), out_before_pool=True, attention=None)
    state = {
        **backbone.state_dict(),
        "classifier.0.weight": torch.randn(32, 64 * 49) / 60,
        "classifier.3.weight": torch.randn(32, 32) / 6,
        **{f"classifier.{layer}.bias": torch.zeros(32) for layer in (0, 3)},
    }
    torch.save(state, tmp_path / "vgg.pth")
    base = TOOLS.parent / "configs/detection/faster-rcnn_msa-vgg16_c5_8xb2-1x_voc0712.py"
    path = tmp_path / "c5.py"
    path.write_text(
        f"_base_ = {str(base)!r}\n"
        "model = dict(backbone=dict(base_channels=8, attention=dict(reduction_ratio=4)),\n"
        "             rpn_head=dict(in_channels=64, feat_channels=64),\n"
        "             roi_head=dict(bbox_roi_extractor=dict(out_channels=64),\n"
        "                 bbox_head=dict(in_channels=64, fc_out_channels=32)))\n"
        "train_cfg = dict(max_epochs=1)\n"
        "default_hooks = dict(logger=dict(interval=1))\n"
    )
    work = tmp_path / "work"
    run_tool(
        *("train", path, "--data", demo / "voc", "--weights", tmp_path / "vgg.pth"),
        *("--work-dir", work, "--cfg-options", *NO_WORKERS, "train_dataloader.batch_size=4"),
        *("train_dataloader.dataset.pipeline.3.scale=(160,160)", "optim_wrapper.optimizer.lr=0"),
        *("val_dataloader.dataset.pipeline.1.scale=(160,160)", "val_dataloader.dataset.indices=2"),
    )
    losses = [record["loss"] for record in scalars(work) if "loss" in record]
    assert len(losses) == 6 and all(np.isfinite(losses))
    trained = read_state_dict(work / "epoch_1.pth")
    for number, layer in enumerate((0, 3)):
        name = f"roi_head.bbox_head.shared_fcs.{number}.weight"
        assert torch.equal(trained[name], state[f"classifier.{layer}.weight"])
    assert torch.equal(trained["backbone.features.28.weight"], state["features.28.weight"])


@pytest.mark.slow
def test_amp_on_the_cpu_runs_in_bfloat16(run_tool, tiny_config, demo, tmp_path, monkeypatch):
    from msa_backbone import MultiScaleAttention
    from msa_backbone.config import options as config_options

    seen = []
    forward = MultiScaleAttention.multi_scale_features

    def spy(self, x):
        out = forward(self, x)
        if self.training:
            seen.append(out.dtype)
        return out

    monkeypatch.setattr(MultiScaleAttention, "multi_scale_features", spy)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(config_options, "cpu_computes_in_bfloat16", lambda: True)
    arguments = ["--data", demo / "coco", "--work-dir", tmp_path / "work", "--amp"]
    run_tool("train", tiny_config, *arguments, "--cfg-options", "train_cfg.max_epochs=1")
    assert set(seen) == {torch.bfloat16}


@pytest.mark.slow
def test_a_config_of_mmdet_with_our_backbone_trains(run_tool, demo, tmp_path):
    path = tmp_path / "theirs.py"
    path.write_text(
        "_base_ = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'\n"
        "custom_imports = dict(imports=['msa_backbone'], allow_failed_imports=False)\n"
        "model = dict(backbone=dict(_delete_=True, type='MSAVGG', depth=16, base_channels=16,\n"
        "                           out_indices=(1, 2, 3, 4)),\n"
        "             neck=dict(in_channels=[32, 64, 128, 128]))\n"
    )
    work = tmp_path / "work"
    options = [*NO_WORKERS, "default_hooks.logger.interval=1"]
    options += ["train_dataloader.dataset.pipeline.2.scale=(128,128)"]
    options += ["val_dataloader.dataset.pipeline.1.scale=(128,128)", "train_cfg.max_epochs=1"]
    options += ["train_dataloader.batch_size=5"]
    run_tool("train", path, "--data", demo / "coco", "--work-dir", work, "--cfg-options", *options)
    losses = [record["loss"] for record in scalars(work) if "loss" in record]
    assert len(losses) == 5
    assert all(np.isfinite(losses))


def test_a_config_of_mmseg_with_our_backbone_trains_and_tests(run_tool, demo, tmp_path):
    pytest.importorskip("mmseg")
    path = tmp_path / "segment.py"
    path.write_text(SEGMENTATION.format(root=str(demo / "segmentation")))
    work = tmp_path / "work"
    run_tool("train", path, "--work-dir", work)
    assert "| mIoU |" in (work / "results.md").read_text()
    assert (work / "predictions.png").is_file()
    run_tool("test", path, work / "iter_4.pth", "--work-dir", tmp_path / "test")
    assert "| mIoU |" in (tmp_path / "test/results.md").read_text()


@pytest.mark.slow
def test_a_segmenter_with_workers_resumes_with_the_same_augmentations(run_tool, demo, tmp_path):
    """Crops, flips and colours are drawn by two workers, in iterations."""
    pytest.importorskip("mmseg")
    path = tmp_path / "segment.py"
    text = SEGMENTATION.format(root=str(demo / "segmentation"))
    drawn = "dict(type='RandomCrop', crop_size=(96, 96), cat_max_ratio=0.5), dict(type='RandomFlip'"
    drawn = f"dict(type='LoadAnnotations'), {drawn}, prob=0.5), dict(type='PhotoMetricDistortion'),"
    text = text.replace("dict(type='LoadAnnotations'),", drawn, 1)
    text = text.replace("batch_size=4, num_workers=0", "batch_size=4, num_workers=2")
    path.write_text(text)

    def train(work: Path, iterations: int, *more: str) -> None:
        options = [f"train_cfg.max_iters={iterations}", "default_hooks.checkpoint.interval=3"]
        options += ["train_cfg.val_interval=100", "val_dataloader.dataset.indices=1"]
        run_tool(
            *("train", path, "--work-dir", work, "--seed", 3, *more, "--cfg-options", *options)
        )

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(whole, 6)
    train(parts, 3)
    train(parts, 6, "--resume")
    losses = [[row["loss"] for row in read_records(work)[0]] for work in (whole, parts)]
    assert losses[0] == losses[1] and len(losses[0]) == 6
    ends = [read_state_dict(work / "iter_6.pth") for work in (whole, parts)]
    for name, tensor in ends[0].items():
        assert torch.equal(tensor, ends[1][name]), name


SEGMENTATION = """
custom_imports = dict(imports=['msa_backbone'], allow_failed_imports=False)
default_scope = 'mmseg'
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53],
                           std=[58.395, 57.12, 57.375], bgr_to_rgb=True, size=(128, 128)),
    backbone=dict(type='MSAVGG', base_channels=16, norm_cfg=dict(type='BN'), out_before_pool=True),
    decode_head=dict(type='FCNHead', in_channels=128, in_index=4, channels=16, num_classes=11,
                     norm_cfg=dict(type='BN')),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
classes = ('background', *'0123456789')
def_ = dict(type='BaseSegDataset', data_root={root!r}, img_suffix='.jpg', seg_map_suffix='.png',
            reduce_zero_label=False,
            metainfo=dict(classes=classes, palette=[[i * 20, 99, 99] for i in range(11)]))
train_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(data_prefix=dict(img_path='images/train', seg_map_path='masks/train'),
                 pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
                           dict(type='PackSegInputs')], **def_))
val_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(data_prefix=dict(img_path='images/val', seg_map_path='masks/val'),
                 pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
                           dict(type='PackSegInputs')], **def_))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=4)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(logger=dict(type='LoggerHook', interval=1, log_metric_by_epoch=False),
                     checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=4))
log_processor = dict(by_epoch=False)
visualizer = dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')],
                  name='visualizer')
"""
