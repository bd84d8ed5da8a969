"""Looking into a model from the command line."""

import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

pytest.importorskip("mmdet")
from msa_backbone.files.images import read_image


@pytest.fixture
def checkpoint(tiny_config, tmp_path) -> Path:
    """Random weights, attention awake."""
    cfg = Config.fromfile(tiny_config)
    init_default_scope(cfg.default_scope)
    cfg.model.backbone.zero_init = False
    torch.manual_seed(0)
    path = tmp_path / "model.pth"
    classes = tuple("0123456789")
    meta = {"dataset_meta": {"classes": classes}}
    torch.save({"state_dict": MODELS.build(cfg.model).state_dict(), "meta": meta}, path)
    return path


def test_pictures_of_responses_and_of_activation_maps(
    run_tool, tiny_config, checkpoint, demo, tmp_path, capsys
):
    pytest.importorskip("pytorch_grad_cam")
    folder = next(path for path in demo.rglob("*") if path.is_dir() and list(path.glob("*.jpg")))
    image = sorted(folder.glob("*.jpg"))[0]
    out = tmp_path / "out"
    run_tool("visualize", "responses", tiny_config, checkpoint, image, "--out", out)
    assert f"{image.name}: " in capsys.readouterr().out
    wide = read_image(out / f"{image.name}.responses.png")
    assert wide.shape[1] > 1500
    options = ("--score-thr", 0, "--most", 2, "--method", "eigen-cam", "--stages", 2, 3)
    run_tool("visualize", "cam", tiny_config, checkpoint, image, "--out", out, *options)
    assert f"{image.name}: 2 maps in" in capsys.readouterr().out
    assert read_image(out / f"{image.name}.cam.png").std() > 5


@pytest.mark.slow
def test_channels_left_out(run_tool, tiny_config, checkpoint, demo, tmp_path, capsys):
    out = tmp_path / "out"
    run_tool(
        *("visualize", "channels", tiny_config, checkpoint, "--data", demo / "coco"),
        *("--shares", 0.5, "--out", out),
    )
    table = (out / "channels.md").read_text()
    assert table in capsys.readouterr().out
    assert "| 50 % |" in table and "coco/bbox_mAP" in table
    assert (out / "channels.png").stat().st_size > 10_000


def test_a_missing_package_is_told_before_anything_is_loaded(
    run_tool, tiny_config, demo, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pytorch_grad_cam", None)
    folder = next(path for path in demo.rglob("*") if path.is_dir() and list(path.glob("*.jpg")))
    with pytest.raises(SystemExit, match="error: cam needs grad-cam: pip install grad-cam"):
        run_tool("visualize", "cam", tiny_config, "gone.pth", folder)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["channels", "--shares", 0], "--shares 0.0: give 0 < share"),
        (["cam", "gone.jpg"], "gone.jpg: no such file"),
        (["responses", "film.mp4"], "film.mp4: maps are drawn of images"),
    ],
)
def test_bad_options_end_in_one_line(
    run_tool, tiny_config, checkpoint, tmp_path, monkeypatch, options, expected
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.mp4").touch()
    what, *rest = options
    with pytest.raises(SystemExit, match=f"error: .*{expected}"):
        run_tool("visualize", what, tiny_config, checkpoint, *rest, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
