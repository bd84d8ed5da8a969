"""Variants become complete configs, or are refused before anything is written."""

from pathlib import Path

import pytest

pytest.importorskip("mmdet")
from mmengine.config import Config

from msa_backbone.ablation.runs import Settings
from msa_backbone.ablation.variants import derive_config, name_variants, write_variants


def test_variants_of_one_name_are_refused():
    assert name_variants([Path("a/x.py"), Path("a/y.py")]) == {
        "x": Path("a/x.py"),
        "y": Path("a/y.py"),
    }
    with pytest.raises(ValueError, match=r"a/x.py and b/x.py have the same name"):
        name_variants([Path("a/x.py"), Path("b/x.py")])


def test_a_derived_config_is_the_variant_on_another_base(tmp_path):
    (tmp_path / "base.py").write_text("a = dict(x=1, y=dict(z=2))\nb = 3\n")
    (tmp_path / "other.py").write_text("a = dict(x=5, y=dict(z=6))\nc = 7\n")
    variant = tmp_path / "variant.py"
    variant.write_text("# why\n_base_ = 'base.py'\na = dict(\n    y=dict(z=9))\n")
    text = derive_config(variant, tmp_path / "other.py")
    cfg = Config.fromstring(text, ".py")
    assert (cfg.a, cfg.c) == ({"x": 5, "y": {"z": 9}}, 7) and "b" not in cfg
    variant.write_text("a = 1\n")
    with pytest.raises(ValueError, match=r"variant.py has no _base_"):
        derive_config(variant, tmp_path / "other.py")
    variant.write_text("a = (\n")
    with pytest.raises(ValueError, match=r"variant.py cannot be read"):
        derive_config(variant, tmp_path / "other.py")
    with pytest.raises(ValueError, match=r"gone.py cannot be read"):
        derive_config(tmp_path / "gone.py", tmp_path / "other.py")


def test_a_variant_that_cannot_be_built_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0")  # set for the process, then taken back
    base = Path(__file__).parents[2] / "configs/detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py"
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(f"_base_ = {str(base)!r}\n")
    bad.write_text(f"_base_ = {str(base)!r}\nmodel = dict(backbone=dict(depth=17))\n")
    settings = Settings(str(tmp_path / "work"))
    with pytest.raises(ValueError, match=r"variant bad: .*depth=17"):
        write_variants({"good": good, "bad": bad}, None, settings, {})
    assert not (tmp_path / "work").exists()
