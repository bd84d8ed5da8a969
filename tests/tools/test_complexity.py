"""Complexity from the command line: tables, the picture, and refusals."""

from pathlib import Path

import pytest

from msa_backbone.files.images import read_image

CONFIG = Path(__file__).parents[2] / "configs/detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py"


def test_ratios_and_places_beside_plain_vgg(run_tool, tmp_path, capsys):
    run_tool(
        *("complexity", "--ratios", 8, 32, "--positions", "pool", "relu", "--shape", "1x32x64"),
        *("--rounds", 1, "--parts", "--out", tmp_path),
    )
    shown = capsys.readouterr().out
    assert (tmp_path / "complexity.md").read_text() == shown
    assert "| plain | 14.71 M | +0.0 % |" in shown
    for ratio, more in ((8, "+20.8 %"), (32, "+5.2 %")):
        for place in ("pool", "relu"):
            (row,) = [
                x for x in shown.splitlines() if x.startswith(f"| ours, r = {ratio}, {place}")
            ]
            assert more in row
    assert shown.count("| all | attention |") == 4
    assert read_image(tmp_path / "complexity.png").shape[1] > 1000


def test_a_configs_backbone(run_tool, capsys):
    run_tool("complexity", CONFIG, "--shape", "1x32x32", "--rounds", 1)
    shown = capsys.readouterr().out
    whole, backbone = (line for line in shown.splitlines() if line.startswith(f"| {CONFIG.stem} |"))
    assert " M | " in whole and float(whole.split("|")[3]) > float(backbone.split("|")[4]) > 0


def test_a_backbone_for_two_cameras_beside_its_streams(run_tool, tmp_path, capsys):
    path = tmp_path / "pair.py"
    path.write_text(
        "model = dict(backbone=dict(type='MultiModalMSAVGG', in_channels=(3, 1), depth=11,\n"
        "    base_channels=8, fusion=dict(type='MultiModalAttention', reduction_ratio=8)))"
    )
    run_tool("complexity", path, "--shape", "1x64x64", "--rounds", 1, "--parts", "--out", tmp_path)
    shown = capsys.readouterr().out
    assert "| pair, streams summed | " in shown and "| pair | " in shown
    assert (tmp_path / "complexity.png").is_file()


def test_configs_of_one_name_have_a_row_each(run_tool, tmp_path, capsys):
    paths = [tmp_path / folder / "plain.py" for folder in "ab"]
    for path, attention in zip(paths, (None, {"type": "MultiScaleAttention"}), strict=True):
        path.parent.mkdir()
        backbone = {"type": "MSAVGG", "depth": 11, "base_channels": 16, "num_stages": 4}
        path.write_text(f"model = dict(backbone={ {**backbone, 'attention': attention} })")
    run_tool("complexity", *paths, "--shape", "1x32x32", "--rounds", 1, "--out", tmp_path / "out")
    shown = capsys.readouterr().out
    assert all(f"| {path} |" in shown for path in paths) and "| plain | 14.71 M |" in shown
    assert (tmp_path / "out/complexity.png").is_file()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--rounds", 0], "--rounds 0: give 1 or more"),
        (["--variants", "ECA", "--ratios", 8], "--ratios is for this package's modules: not ECA"),
        ([CONFIG, "--ratios", 8], "--ratios is for VGG16 alone"),
        ([CONFIG, "--positions", "relu"], "--positions is for VGG16 alone"),
        (["--ratios", 1000], "reduction_ratio=1000 does not fit"),
        (["gone.py"], "gone.py"),
    ],
)
def test_bad_options_end_in_one_line(run_tool, options, expected):
    with pytest.raises(SystemExit, match=f"error: .*{expected}"):
        run_tool("complexity", *options)


def test_a_config_of_another_backbone_is_named(run_tool, tmp_path):
    path = tmp_path / "resnet.py"
    path.write_text("model = dict(backbone=dict(type='ResNet', depth=50))")
    with pytest.raises(SystemExit, match=r"error: .*resnet.py: its backbone is no MSAVGG"):
        run_tool("complexity", path)
