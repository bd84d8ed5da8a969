"""Configs are found by name, and by file as ever."""

from pathlib import Path

import pytest

from msa_backbone.config.load import load_config
from msa_backbone.config.shipped import find_config, shipped_folder

ROOT = Path(__file__).parents[2]
DEMO = "faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo"


@pytest.mark.parametrize(
    "name",
    [
        DEMO,
        f"detection/{DEMO}",
        f"detection/{DEMO}.py",
        f"configs/detection/{DEMO}.py",
        "cameras/early",
    ],
)
def test_names_lead_to_the_clones_files(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = "ablation/cameras" if "early" in name else "detection"
    file = Path(name).with_suffix(".py").name
    assert Path(find_config(name)).resolve() == ROOT / "configs" / folder / file


def test_a_file_goes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(DEMO).write_text("")
    assert find_config(DEMO) == DEMO


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("faster-rcnn_msa-vgg16_fpn_dema", f"close are .*detection/{DEMO}"),
        ("elephants.py", "elephants.py: no such file, and no config of this project$"),
        ("se", "may be ablation/cameras/se or ablation/se: name one"),
        ("_base_/default_runtime", "no such file, and no config"),
    ],
)
def test_names_of_nothing_say_what_there_is(name, match, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=match):
        find_config(name)


def test_a_config_that_is_found_by_name_is_the_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = load_config(f"detection/{DEMO}", None, {})
    assert cfg.work_dir == f"work_dirs/{DEMO}"
    file = load_config(str(ROOT / f"configs/detection/{DEMO}.py"), None, {})
    assert cfg.model == file.model and cfg.model.backbone.type == "MSAVGG"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("norm_eval = true", "name 'true' is not defined"),
        ("lr = 1 / 0", "division by zero"),
        ("from mmengine.config import read_base\nwith read_base():\n    from .missing import *",
         "missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_config_is_an_error_of_the_config(text, problem, tmp_path):
    (tmp_path / "own.py").write_text(text)
    with pytest.raises(ValueError, match=rf"config \S*own\.py cannot be read: .*{problem}"):
        load_config(str(tmp_path / "own.py"), None, {})


def test_a_clone_without_links_has_its_folders(tmp_path, monkeypatch):
    """Git on Windows writes a link as a file that holds its target."""
    package = tmp_path / "msa_backbone"
    package.mkdir()
    (package / "configs").write_text("../configs")
    monkeypatch.setattr("msa_backbone.config.shipped.PACKAGE", package)
    assert shipped_folder("configs") == tmp_path / "configs"
