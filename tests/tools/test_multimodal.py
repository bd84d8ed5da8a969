"""A detector with two cameras: trained and tested by the tools, on the demo pairs."""

import re
from pathlib import Path

import pytest

pytest.importorskip("mmdet")
pytest.importorskip("sklearn")

from msa_backbone.data.demo.pairs import make_demo_pairs
from msa_backbone.errors import DataError

BASE = Path(__file__).parents[2] / "configs/multimodal"
BASE = BASE / "faster-rcnn_multimodal-msa-vgg16_fpn_demo-pairs.py"


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


@pytest.mark.slow
def test_training_and_testing_with_a_camera_switched_off(config, run_tool, tmp_path, capsys):
    work = tmp_path / "work"
    run_tool("train", config, "--seed", 0, "--work-dir", work)
    checkpoint = work / "epoch_1.pth"
    assert checkpoint.is_file()
    capsys.readouterr()
    for state in ("absent", "black"):
        option = f"model.data_preprocessor.{state}=('visible',)"
        run_tool(
            "test", config, checkpoint, "--work-dir", tmp_path / state, "--cfg-options", option
        )
        assert "bbox_mAP" in capsys.readouterr().out


def test_a_missing_partner_is_told(config, run_tool, tmp_path):
    file = next((tmp_path / "pairs/coco/infrared/train").iterdir())
    file.unlink()
    with pytest.raises(DataError, match=re.escape(f"no infrared file {file.with_suffix('')}")):
        run_tool("train", config, "--seed", 0, "--work-dir", tmp_path / "work")
