"""The tables of costs: what they say of the models, not the times themselves."""

import re

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import MODELS

from msa_backbone.files.images import read_image


def test_a_row_for_each_config(run_tool, tiny_config, demo, tmp_path, capsys):
    plain = tmp_path / "plain.py"
    plain.write_text(
        f"_base_ = {str(tiny_config)!r}\n"
        "model = dict(backbone=dict(attention=None, attention_positions=None))\n"
    )
    data = demo / "coco"
    before = sorted(demo.rglob("*"))
    run_tool("benchmark", plain, tiny_config, "--data", data, "--rounds", 2)
    rows = capsys.readouterr().out.split("| --- |")[-1].strip().splitlines()[-2:]
    for row, path, ratio in zip(rows, (plain, tiny_config), ("1.00", None), strict=True):
        cells = [cell.strip() for cell in row.strip("| ").split("|")]
        name, parameters, step, found, speed, tested = cells
        model = MODELS.build(Config.fromfile(path).model)
        expected = sum(parameter.numel() for parameter in model.parameters()) / 1e6
        assert name == path.stem and parameters == f"{expected:.2f} M"
        median, low, high = map(float, re.findall(r"[\d.]+", step))
        assert 0 < low <= median <= high
        assert float(found) > 0 and ratio in (found, None)
        assert float(speed) > 0 and float(tested) > 0 and ratio in (tested, None)
    assert sorted(demo.rglob("*")) == before


@pytest.mark.slow
def test_variants_are_tabled_fitted_and_drawn(run_tool, tmp_path, capsys):
    names = ["ours", "naive", "CBAM"]
    shapes = ["1x32x32", "1x64x64"]
    run_tool(
        *("benchmark", "--variants", *names, "--shapes", *shapes, "--positions", "relu"),
        *("--rounds", 1, "--growth", "pixels", "--out", tmp_path / "costs"),
    )
    printed = capsys.readouterr().out
    assert (tmp_path / "costs/costs.md").read_text().strip() == printed.strip()
    tables = printed.strip().split("\n\n")
    assert tables[0::2] == [
        "1x32x32, after each stage's relu",
        "1x64x64, after each stage's relu",
        "exponents over pixels, relu",
    ]
    for table in tables[1:4:2]:
        rows = [row.split("|")[1].strip() for row in table.splitlines()[2:]]
        assert rows == ["plain", *names]
    for row in tables[5].splitlines()[2:]:
        assert 0.9 < float(row.split("|")[4]) < 1.05  # saved activations grow with the pixels
    picture = read_image(tmp_path / "costs/costs.png")
    assert picture.shape[0] > 300 and len(np.unique(picture.reshape(-1, 3), axis=0)) > 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--shapes", "320x320"), "no shape"),
        (("--shapes", "1x16x64"), "too small"),
        (("--variants", "SENet"), "invalid choice"),
    ],
)
def test_bad_options(run_tool, options, message, capsys):
    with pytest.raises(SystemExit):
        run_tool("benchmark", *options)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--rounds", 0), "--rounds 0: give 1 or more"),
        (("--threads", -1), "--threads -1: give 1 or more"),
        (("--data", "."), "--data goes with configs"),
        (("--classes", "cat"), "--classes goes with configs"),
        (("--cfg-options", "model.type=X"), "--cfg-options goes with configs"),
        (("--form", "graph"), "--form graph records CUDA graphs: give --device cuda"),
        (("--bandwidth",), "--bandwidth measures kernels on a GPU: give --device cuda"),
        (("a.py", "--amp"), "--amp is for VGG16 alone: leave it out, or the configs"),
        (("a.py", "--shapes", "1x64x64"), "--shapes is for VGG16 alone"),
        (("--out", __file__), "is a file: give a folder"),
        (("--growth", "pixels"), "needs two or more --shapes that differ"),
        (("--growth", "samples", "--shapes", "1x32x32", "1x64x64"), "two or more --shapes"),
        (("--growth", "pixels", "--shapes", "1x64x64", "4x32x32"), "differ in nothing else"),
    ],
)
def test_bad_options_are_told_before_measuring(run_tool, options, message):
    with pytest.raises(SystemExit, match=message):
        run_tool("benchmark", *options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("test_dataloader = test_cfg = test_evaluator = None", "has no test_dataloader"),
        (
            "test_dataloader['dataset']['ann_file'] = 'gone.json'",
            "test_dataloader reads it",
        ),
        ("optim_wrapper['type'] = 'AmpOptimWrapper'", "AmpOptimWrapper, which needs a GPU"),
    ],
)
def test_configs_that_cannot_be_measured_are_told_in_one_line(
    run_tool, tiny_config, demo, monkeypatch, change, message
):
    monkeypatch.chdir(demo.parent.parent)
    with tiny_config.open("a") as file:
        root = f"str({str(demo / 'coco')!r}) + '/'"
        for part in ("train", "val", "test"):
            file.write(f"{part}_dataloader['dataset']['data_root'] = {root}\n")
        file.write(f"{change}\n")
    with pytest.raises(SystemExit, match=f"error: .*{message}"):
        run_tool("benchmark", tiny_config, "--rounds", 1)
