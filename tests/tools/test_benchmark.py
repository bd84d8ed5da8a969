"""The table of what trainings cost: its figures, not the times themselves."""

import re

import pytest
from mmengine.config import Config
from mmengine.registry import MODELS


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
        name, parameters, step, found = (cell.strip() for cell in row.strip("| ").split("|"))
        model = MODELS.build(Config.fromfile(path).model)
        expected = sum(parameter.numel() for parameter in model.parameters()) / 1e6
        assert name == path.stem and parameters == f"{expected:.2f} M"
        median, low, high = map(float, re.findall(r"[\d.]+", step))
        assert 0 < low <= median <= high
        assert float(found) > 0 and ratio in (found, None)
    assert sorted(demo.rglob("*")) == before


def test_bad_rounds(run_tool, tiny_config):
    with pytest.raises(SystemExit, match="--rounds 0: give 1 or more"):
        run_tool("benchmark", tiny_config, "--rounds", 0)
