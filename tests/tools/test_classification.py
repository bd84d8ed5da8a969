"""Classification from the command line: crops, training, testing, resuming, and bad input."""

import re
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from msa_backbone.files.checkpoints import read_checkpoint
from msa_backbone.files.images import read_image
from msa_backbone.files.training_log import read_records

pytest.importorskip("mmpretrain")
pytest.importorskip("mmdet")  # for run_tool

CONFIG = (
    Path(__file__).parents[2] / "configs/classification/msa-vgg16-caffe_1xb16-150i_crops-48x48.py"
)


@pytest.fixture
def tiny(tmp_path) -> Path:
    path = tmp_path / "tiny.py"
    path.write_text(
        f"_base_ = {str(CONFIG)!r}\n"
        "model = dict(backbone=dict(depth=11, base_channels=16, frozen_stages=0, init_cfg=None,\n"
        "    attention_positions='pool'), head=dict(in_channels=128))\n"
        "train_cfg = dict(max_iters=6, val_interval=3)\n"
        "train_dataloader = dict(batch_size=4)\n"
        "optim_wrapper = dict(paramwise_cfg=dict(_delete_=True))\n"
        "default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=3))\n"
    )
    return path


@pytest.fixture
def root(tmp_path) -> Path:
    """Dark and light pictures."""
    random = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 4), ("test", 5)):
        for name, shade in (("dark one", 20), ("light", 200)):
            folder = tmp_path / "data" / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                array = random.integers(shade, shade + 40, (30, 20, 3), np.uint8)
                Image.fromarray(array).save(folder / f"{index}.png")
    return tmp_path / "data"


def test_trains_resumes_and_tests(run_tool, tiny, root, tmp_path, capfd):
    work = tmp_path / "work"
    run_tool("train", tiny, "--data", root, "--work-dir", work, "--seed", 0)
    shown = capfd.readouterr().out
    assert "2 classes: dark one, light" in shown and "train: 24 images" in shown
    table = (work / "results.md").read_text()
    assert re.search(r"\| accuracy/top1 \| [\d.]+ \| [\d.]+ \| [36] \|", table)
    assert re.search(
        r"f1-score \|.*\n\| single-label/precision/dark one \|", table
    )  # per class last
    assert (work / "curves.png").stat().st_size > 10_000
    height, width, _ = read_image(work / "predictions.png").shape
    assert width >= 2 * 320 and height >= 3 * 320  # six pictures, truth and prediction named
    assert len((work / "data/train.txt").read_text().splitlines()) == 24

    run_tool("test", tiny, work / "iter_6.pth", "--data", root, "--work-dir", tmp_path / "test")
    scores = (tmp_path / "test/results.md").read_text()
    accuracy = float(scores.split("accuracy/top1 |")[1].split("|")[0])
    assert accuracy in {10.0 * k for k in range(11)}  # of ten test images

    (work / "iter_6.pth").unlink()
    (work / "last_checkpoint").write_text(str(work / "iter_3.pth"))
    run_tool("train", tiny, "--data", root, "--work-dir", work, "--resume")
    assert (work / "iter_6.pth").exists()
    assert "resumed epoch: 0, iter: 3" in capfd.readouterr().out


def test_dry_run_shows_the_batch(run_tool, tiny, root, tmp_path, capfd):
    work = tmp_path / "work"
    run_tool("train", tiny, "--data", root, "--work-dir", work, "--dry-run")
    shown = capfd.readouterr().out
    assert "classes (2): dark one, light" in shown and "24 train, 8 val" in shown
    assert (work / "dry_run.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--classes", "dark"], "no class 'dark'; did you mean 'dark one'"),
        (["--cfg-options", "model.backbone.depth=12"], "depth=12 is not a VGG"),
    ],
)
def test_bad_input_ends_in_one_line(run_tool, tiny, root, tmp_path, options, expected):
    work = tmp_path / "work"
    with pytest.raises(SystemExit, match=f"error: .*{expected}"):
        run_tool("train", tiny, "--data", root, "--work-dir", work, *options)
    assert not work.exists()


def test_a_broken_picture_is_named_before_anything_is_written(run_tool, tiny, root, tmp_path):
    file = root / "val/light/2.png"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(SystemExit, match=r"error: .*val/light/2\.png: unreadable image"):
        run_tool("train", tiny, "--data", root, "--work-dir", tmp_path / "work")
    assert not (tmp_path / "work").exists()


FROM_SCRATCH = sorted(CONFIG.parent.glob("*vgg16-bn*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("config", FROM_SCRATCH, ids=lambda path: path.stem)
def test_five_iterations_of_every_config_from_random_weights(run_tool, root, tmp_path, config):
    """As they are, but narrow: 24 pictures in batches of five, without downloaded weights."""
    work = tmp_path / "work"
    narrow = {
        "model.backbone.base_channels": 16,
        "model.backbone.init_cfg": None,
        "model.head.in_channels": 128,
        "train_dataloader.batch_size": 5,
        "train_dataloader.num_workers": 0,
        "val_dataloader.batch_size": 4,
        "val_dataloader.num_workers": 0,
        "train_cfg.max_epochs": 1,
        "default_hooks.logger.interval": 1,
    }
    options = [f"{name}={value}" for name, value in narrow.items()]
    run_tool("train", config, "--data", root, "--work-dir", work, "--cfg-options", *options)
    records = read_records(work)[0]
    assert len(records) == 5
    assert all(0.3 < record["loss"] < 3 for record in records)  # two classes: 0.69 at the start
    assert read_checkpoint(work / "epoch_1.pth")["meta"]["iter"] == 5


def test_every_config_from_random_weights_is_tried():
    assert len(FROM_SCRATCH) == 9


STOCK = """
_base_ = 'mmpretrain::resnet/resnet50_8xb32-mixup_in1k.py'
model = dict(head=dict(in_channels=128), backbone=dict(
    _delete_=True, type='MSAVGG', depth=11, base_channels=16, out_indices=(4,)))
train_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False)
val_dataloader = dict(num_workers=0, persistent_workers=False)
train_cfg = dict(max_epochs=1)
"""


@pytest.mark.slow
def test_mmpretrains_own_config_takes_a_folder(run_tool, root, tmp_path, capfd):
    """Mixup needs the number of classes in a preprocessor beside the model, Accuracy a lower k."""
    config, work = tmp_path / "stock.py", tmp_path / "work"
    config.write_text(STOCK)
    run_tool("train", config, "--data", root, "--work-dir", work, "--dry-run")
    assert "24 train, 8 val" in capfd.readouterr().out
    run_tool("train", config, "--data", root, "--work-dir", work)
    assert "accuracy/top1" in (work / "results.md").read_text()
    assert Config.fromfile(work / "stock.py").model.data_preprocessor.to_rgb  # as trained with


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--side", 96), "--side is for patches: leave it out, or add --patches"),
        (("--per-image", 3), "--per-image is for patches"),
        (("--patches", "--context", 2), "--context is for objects: leave it out, or --patches"),
        (("--patches", "--min-side", 20), "--min-side is for objects"),
        (("--patches", "--max-per-class", 50), "--max-per-class is for objects"),
    ],
)
def test_options_of_the_other_kind_of_crops_are_refused(run_tool, tmp_path, options, words):
    with pytest.raises(SystemExit, match=f"error: {words}"):
        run_tool("make_crops", tmp_path / "none", tmp_path / "out", *options)


def test_crops_are_counted(run_tool, demo, tmp_path, capfd):
    run_tool("make_crops", demo / "coco", tmp_path / "crops", "--size", 32, "--max-per-class", 2)
    shown = capfd.readouterr().out
    assert "Pictures of 32x32" in shown and "train: 20 (0 2, 1 2" in shown
    assert re.search(r"left out: \d+ beyond 2 of a class", shown)
    assert len(list((tmp_path / "crops/train").rglob("*.png"))) == 20
    with pytest.raises(SystemExit, match=r"error: .*crops: is there already"):
        run_tool("make_crops", demo / "coco", tmp_path / "crops")
    run_tool("make_crops", demo / "segmentation", tmp_path / "patches", "--patches", "--side", 16)
    assert "val: " in capfd.readouterr().out
    assert {p.name for p in (tmp_path / "patches/train").iterdir()} <= {"background", *"0123456789"}
