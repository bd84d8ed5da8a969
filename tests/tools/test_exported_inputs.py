"""tools/test.py with exported files of several cameras and of questions: the same scores."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

pytest.importorskip("mmdet")
pytest.importorskip("mmpretrain")
pytest.importorskip("sklearn")
pytest.importorskip("tokenizers")

from exported_models import see_depth

from msa_backbone.config.load import load_config
from msa_backbone.data.demo.pairs import make_demo_pairs
from msa_backbone.data.demo.questions import make_demo_questions
from msa_backbone.export import quantise
from msa_backbone.export.runtime.predictor import RuntimePredictor

CONFIGS = Path(__file__).parents[2] / "configs/multimodal"
LOADERS = [
    f"{loader}_dataloader.{key}"
    for loader in ("train", "val", "test")
    for key in ("num_workers=0", "persistent_workers=False")
]


def scores(work: Path) -> dict:
    (file,) = work.glob("2*/*.json")  # named after the time
    return json.loads(file.read_text())


def both(run_tool, config: Path, tested: Path, data: Path, tmp_path: Path) -> tuple[dict, dict]:
    """Scores of a checkpoint, and of the file that tools/export.py makes of it."""
    file = tmp_path / "model.onnx"
    run_tool("export", config, tested, "--out", file)
    for name, weights in (("eager", tested), ("exported", file)):
        work = tmp_path / name
        run_tool("test", config, weights, "--data", data, "--work-dir", work)
    return scores(tmp_path / "eager"), scores(tmp_path / "exported")


def write_config(tmp_path: Path, base: str, lines: str) -> Path:
    config = tmp_path / "small.py"
    loaders = "".join(
        f"{name}_dataloader = dict(num_workers=0, persistent_workers=False)\n"
        for name in ("train", "val", "test")
    )
    config.write_text(f"_base_ = {str(CONFIGS / base)!r}\n{loaders}{lines}")
    return config


def depth_for_infrared(data: Path, config: Path) -> None:
    """Files of 16 bits with places of 0 in the infrared's place, and a config for them."""
    for file in sorted(data.glob("infrared/**/*.png")):
        values = np.asarray(Image.open(file)).astype(np.uint16) * 30
        values[::7, ::5] = 0
        new = Path(str(file).replace("infrared", "depth"))
        new.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(new)
    shutil.rmtree(data / "infrared")
    cfg = Config.fromfile(config)
    see_depth(cfg)
    cfg.dump(config)


@pytest.mark.slow
@pytest.mark.parametrize("second", ["infrared", "depth"])
def test_cameras(second, run_tool, tmp_path, monkeypatch):
    torch.manual_seed(0)
    data = make_demo_pairs(tmp_path / "pairs", 8, 4, image_size=128) / "segmentation"
    config = write_config(
        tmp_path,
        "unet_multimodal-msa-vgg16_1xb4-1k_demo-pairs-192x192.py",
        "model = dict(backbone=dict(base_channels=8),\n"
        "    decode_head=dict(in_channels=(8, 16, 32, 64, 64)))\n"
        "train_cfg = dict(max_iters=6, val_interval=6)\n"
        "default_hooks = dict(checkpoint=dict(interval=6))\n",
    )
    if second == "depth":
        depth_for_infrared(data, config)
    run_tool("train", config, "--data", data, "--seed", 0, "--work-dir", tmp_path / "work")
    eager, exported = both(run_tool, config, tmp_path / "work/iter_6.pth", data, tmp_path)
    file, small = tmp_path / "model.onnx", tmp_path / "small.onnx"
    dtype = RuntimePredictor(file).info.dtype
    assert dtype == ("float32" if second == "depth" else "uint8")
    assert 0 < eager["mAcc"] == pytest.approx(exported["mAcc"], abs=0.05)
    assert eager["mIoU"] == pytest.approx(exported["mIoU"], abs=0.05)
    monkeypatch.setattr(quantise, "MOST_LOSS", 100.0)  # what a net that learned nothing may lose
    lines = quantise.quantise_for(
        lambda: load_config(str(config), None, {}), file, small, data, None
    )
    assert lines[-1] == "ranges from 8 pictures; the whole model is in int8"
    assert small.stat().st_size < 0.6 * file.stat().st_size


@pytest.mark.slow
def test_questions(run_tool, tmp_path):
    data = make_demo_questions(tmp_path / "questions", 24, 12)
    config = write_config(
        tmp_path,
        "vqa_msa-vgg16-bn-c16_1xb128-2k_demo-64x64.py",
        "model = dict(backbone=dict(base_channels=8))\n"
        "train_cfg = dict(max_iters=30, val_interval=30)\n"
        "default_hooks = dict(checkpoint=dict(interval=30))\n",
    )
    run_tool("train", config, "--data", data, "--seed", 0, "--work-dir", tmp_path / "work")
    eager, exported = both(run_tool, config, tmp_path / "work/iter_30.pth", data, tmp_path)
    name = "answers/exact"
    assert 0 < eager[name] == pytest.approx(exported[name], abs=1e-4)
    assert RuntimePredictor(tmp_path / "model.onnx").info.vocabulary
