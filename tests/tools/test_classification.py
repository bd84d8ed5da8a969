"""Classification from the command line: crops, training, testing, resuming, and bad input."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msa_backbone.visualization.pictures import read_picture

pytest.importorskip("mmpretrain")
pytest.importorskip("mmdet")  # for run_tool

CONFIG = Path(__file__).parents[2] / "configs/classification/msa-vgg16-caffe_150i_crops-48x48.py"


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
    assert (work / "curves.png").stat().st_size > 10_000
    height, width, _ = read_picture(work / "predictions.png").shape
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


def test_the_best_five_of_two_classes_are_refused(run_tool, tiny, root, tmp_path):
    tiny.write_text(tiny.read_text() + "val_evaluator = [dict(type='Accuracy', topk=(1, 5))]\n")
    expected = r"error: .*topk=\(1, 5\) scores the best 5 of 2 classes"
    with pytest.raises(SystemExit, match=expected):
        run_tool("train", tiny, "--data", root, "--work-dir", tmp_path / "work")


def test_crops_are_counted(run_tool, demo, tmp_path, capfd):
    run_tool("make_crops", demo / "coco", tmp_path / "crops", "--size", 32, "--max-per-class", 2)
    shown = capfd.readouterr().out
    assert "Pictures of 32x32" in shown and "train: 20 (0 2, 1 2" in shown
    assert len(list((tmp_path / "crops/train").rglob("*.png"))) == 20
    with pytest.raises(SystemExit, match=r"error: .*crops: is there already"):
        run_tool("make_crops", demo / "coco", tmp_path / "crops")
    run_tool("make_crops", demo / "segmentation", tmp_path / "patches", "--patches", "--side", 16)
    assert "val: " in capfd.readouterr().out
    assert {p.name for p in (tmp_path / "patches/train").iterdir()} <= {"background", *"0123456789"}
