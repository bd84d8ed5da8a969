"""A detector with two cameras: trained and tested by the tools, on the demo pairs."""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("mmdet")
pytest.importorskip("sklearn")

from msa_backbone.data.demo.pairs import make_demo_pairs
from msa_backbone.errors import DataError
from msa_backbone.files.images import read_image

BASE = Path(__file__).parents[2] / "configs/multimodal"
BASE = BASE / "faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py"


@pytest.fixture
def config(tmp_path) -> Path:
    root = make_demo_pairs(tmp_path / "pairs", 8, 4, image_size=128) / "coco"
    loader = f"num_workers=0, persistent_workers=False, dataset=dict(data_root={str(root)!r})"
    evaluator = f"dict(ann_file={str(root / 'annotations/instances_val.json')!r}, classwise=False)"
    path = tmp_path / "tiny.py"
    path.write_text(
        f"_base_ = {str(BASE)!r}\n"
        "model = dict(\n"
        "    backbone=dict(base_channels=8), neck=dict(in_channels=[16, 32, 64, 64]),\n"
        "    data_preprocessor=dict(dropout=dict(absent=0.3, black=0.3)))\n"
        f"train_dataloader = dict(batch_size=4, {loader})\n"
        f"val_dataloader = dict(batch_size=2, {loader})\n"
        f"test_dataloader = dict(batch_size=2, {loader})\n"
        f"val_evaluator = {evaluator}\ntest_evaluator = {evaluator}\n"
        "train_cfg = dict(max_epochs=1)\n"
    )
    return path


def shown(file: Path) -> tuple[int, int]:
    """Height and width."""
    return read_image(file).shape[:2]


@pytest.mark.slow
def test_training_and_testing_with_a_camera_switched_off(config, run_tool, tmp_path, capsys):
    """On the user's folder, without the files of the camera that is absent; and the report."""
    work, data = tmp_path / "work", tmp_path / "pairs/coco"
    run_tool("train", config, "--data", data, "--seed", 0, "--work-dir", work)
    assert "  train: 8 of 8 visible pictures with infrared" in capsys.readouterr().out
    checkpoint = work / "epoch_1.pth"
    if importlib.util.find_spec("plotly"):
        run_tool("report", work, "--images", 1)
        page = (work / "report.html").read_text(encoding="utf-8")
        for name in ("visible", "infrared"):
            assert len(set(re.findall(rf"position (\d+), {name}, gate", page))) == 5
    height, width = shown(work / "predictions.png")
    # Two scenes a row, each with truth and prediction in both cameras' pictures.
    assert width / height == pytest.approx((2 * (4 * 480 + 6) + 6) / (2 * 480 + 6), rel=0.01)
    shutil.rmtree(data / "infrared")
    for options in (("--sensors", "visible"), ("--black", "infrared")):
        if options[0] == "--black":
            shutil.copytree(data / "visible", data / "infrared")
            for path in (data / "infrared").rglob("*.jpg"):
                Image.open(path).convert("L").save(path)
        capsys.readouterr()
        out = tmp_path / options[0]
        run_tool("test", config, checkpoint, "--data", data, "--work-dir", out, *options)
        printed = capsys.readouterr().out
        state = "absent" if options[0] == "--sensors" else "black"
        assert f"Sensors: visible on, infrared {state}" in printed
        assert "bbox_mAP" in printed


def test_a_missing_partner_is_told(config, run_tool, tmp_path):
    file = next((tmp_path / "pairs/coco/infrared/train").iterdir())
    file.unlink()
    with pytest.raises(DataError, match=re.escape(f"no infrared file {file.with_suffix('')}")):
        run_tool("train", config, "--seed", 0, "--work-dir", tmp_path / "work")


@pytest.mark.slow
def test_costs_of_a_step(config, run_tool, tmp_path, capsys):
    run_tool("benchmark", config, "--data", tmp_path / "pairs/coco", "--rounds", 1)
    assert re.search(r"\| tiny \| \d\.\d\d M \|", capsys.readouterr().out)


@pytest.mark.slow
def test_an_ablation_tests_again_while_a_camera_fails(config, run_tool, tmp_path, capfd):
    """With the score of tools/test.py with that camera switched off; nothing is trained for it."""
    work, data = tmp_path / "work", ("--data", tmp_path / "pairs/coco")
    command = ("ablation", config, "--seeds", 0, *data, "--work-dir", work, "--rounds", 0)
    run_tool(*command, "--threads", 1)
    run = work / "tiny/1/seed_0"
    log = (run / "log.txt").read_text()
    capfd.readouterr()
    run_tool(*command, "--threads", 1, "--failures")
    shown = capfd.readouterr().out
    assert "4 to do" in shown and (run / "log.txt").read_text() == log
    rows = re.findall(r"^\| (tiny[^|]*) \|", shown, re.MULTILINE)
    assert rows[:5] == ["tiny"] + [
        f"tiny, {camera} {way}" for camera in ("visible", "infrared") for way in ("absent", "black")
    ]
    kept = json.loads((run / "infrared_absent/result.json").read_text())["test"]
    out = tmp_path / "out"
    run_tool(
        *("test", work / "tiny/config.py", run / "epoch_1.pth", *data),
        *("--sensors", "visible", "--work-dir", out),
    )
    (scores,) = (file for file in out.rglob("*.json") if re.fullmatch(r"\d+_\d+", file.stem))
    assert json.loads(scores.read_text())["coco/bbox_mAP"] == kept["coco/bbox_mAP"]
    assert (run / "infrared_absent/outcomes.json").is_file()
