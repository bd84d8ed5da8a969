"""Variants become complete configs, or are refused before anything is written."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from data_folders import coco

pytest.importorskip("mmdet")
from mmengine.config import Config

from msa_backbone.ablation import variants
from msa_backbone.ablation.runs import Settings
from msa_backbone.ablation.variants import (
    derive_config,
    name_variants,
    rehearse_training,
    split_options,
    write_variants,
)

from .toy_config import config


def test_variants_of_one_name_are_refused():
    assert name_variants([Path("a/x.py"), Path("a/y.py")]) == {
        "x": Path("a/x.py"),
        "y": Path("a/y.py"),
    }
    with pytest.raises(ValueError, match=r"a/x.py and b/x.py have the same name"):
        name_variants([Path("a/x.py"), Path("b/x.py")])


def test_names_need_no_ending():
    paths = [Path("ablation/full_lr-0.01"), Path("ablation/full_lr-0.1.py")]
    assert list(name_variants(paths)) == ["full_lr-0.01", "full_lr-0.1"]


def test_options_on_what_data_replace_wait_for_them():
    waiting = {
        "train_dataloader.dataset.indices": 50,
        "val_evaluator.metric": "bbox",
        "test_evaluator": [],
    }
    now = {
        "train_dataloader.batch_size": 2,
        "train_dataloader.dataset_kind": 1,
        "test_dataloader.dataset.pipeline.1.scale": (64, 64),
        "model.backbone.depth": 11,
    }
    assert split_options(waiting | now, "ROOT") == (now, waiting)
    assert split_options(waiting | now, None) == (waiting | now, {})


def test_an_option_that_does_not_fit_the_data_is_found_before_any_run(tmp_path):
    coco(tmp_path / "data")

    def rehearse(options: dict) -> None:
        settings = Settings(str(tmp_path / "work"), str(tmp_path / "data"), options=options)
        rehearse_training(config(), settings, str(tmp_path / "rehearsed"))

    rehearse({"test_evaluator.0.classwise": False})
    with pytest.raises(ValueError, match=r"--cfg-options test_evaluator.7.metric=bbox does not"):
        rehearse({"test_evaluator.7.metric": "bbox"})


@pytest.fixture
def unbuilt(monkeypatch) -> None:
    """Models are not built, trainings not rehearsed."""
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0")  # set for the process, then taken back
    monkeypatch.setattr(variants, "check_model", lambda *_: None)
    monkeypatch.setattr(variants, "rehearse_training", lambda *_: [])


def test_shipped_configs_are_known_by_their_names(unbuilt, tmp_path):
    base = Path("detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo")
    names = name_variants([Path("ablation/plain"), Path("configs/ablation/full_lr-0.01")])
    write_variants(names, base, Settings(str(tmp_path)), {})
    written = {name: Config.fromfile(tmp_path / name / "config.py") for name in names}
    assert all("demo" in cfg.train_dataloader.dataset.data_root for cfg in written.values())
    assert written["plain"].model.backbone.attention is None
    assert written["full_lr-0.01"].model.backbone.get("attention", "") is not None


def test_other_options_on_data_are_other_settings(unbuilt, tmp_path):
    (tmp_path / "a.py").write_text("model = dict()\n")
    one = {"a": tmp_path / "a.py"}
    settings = Settings(str(tmp_path / "work"), "ROOT")
    write_variants(one, None, settings, {})
    # Versions without such options wrote the same: their ablations go on.
    assert json.loads((tmp_path / "work/settings.json").read_text()) == {
        "data": "ROOT",
        "classes": None,
        "weights": None,
        "train_scores": False,
    }
    changed = replace(settings, options={"test_evaluator.0.classwise": False})
    with pytest.raises(ValueError, match=r"settings.json is of an ablation with other settings"):
        write_variants(one, None, changed, {})
    changed = replace(changed, work_dir=str(tmp_path / "other"))
    write_variants(one, None, changed, {})
    write_variants(one, None, changed, {})
    with pytest.raises(ValueError, match=r"settings.json is of an ablation with other settings"):
        write_variants(one, None, replace(changed, options={}), {})


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
