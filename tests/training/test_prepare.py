"""Options that contradict each other end before anything is read or written."""

import sys

import pytest
from mmengine.config import Config

from msa_backbone.training.prepare import prepare_test_run, prepare_training


@pytest.fixture
def cfg(tmp_path) -> Config:
    wrapper = {"type": "OptimWrapper", "optimizer": {"type": "SGD", "lr": 0.1}}
    return Config({"model": {"type": "Toy"}, "work_dir": str(tmp_path), "optim_wrapper": wrapper})


def nothing(found: object) -> list[str]:
    return []


def test_a_test_never_resumes(cfg):
    """The config that a resumed training leaves says so."""
    cfg.update(resume=True, load_from="epoch_1.pth")
    prepare_test_run(cfg, nothing, None, None, None, {})
    assert (cfg.resume, cfg.load_from) == (False, "epoch_1.pth")


def test_classes_are_those_of_data(cfg):
    for prepare in (
        lambda: prepare_training(cfg, classes=["a"]),
        lambda: prepare_test_run(cfg, nothing, None, ["a"], None, {}),
    ):
        with pytest.raises(ValueError, match="--classes goes with --data ROOT"):
            prepare()


@pytest.mark.parametrize("prepare", ["training", "testing"])
def test_metrics_that_lack_a_package_are_told_first(prepare, cfg, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocoevalcap", None)
    cfg.update(val_evaluator=[{"type": "CaptionScores"}], test_evaluator={"type": "CaptionScores"})
    with pytest.raises(ValueError, match="CaptionScores needs pycocoevalcap: pip install pycoco"):
        if prepare == "training":
            prepare_training(cfg)
        else:
            prepare_test_run(cfg, nothing, None, None, None, {})


def test_weights_that_a_checkpoint_would_replace_are_refused(cfg):
    for options in (
        {"resume": "epoch_1.pth"},
        {"options": {"load_from": "epoch_1.pth"}},
        {"options": {"load_from": "epoch_1.pth"}, "resume": "auto"},
    ):
        with pytest.raises(ValueError, match="leave one of them out"):
            prepare_training(cfg, weights="vgg16.pth", **options)
    cfg.load_from = "epoch_1.pth"
    with pytest.raises(ValueError, match="leave one of them out"):
        prepare_training(cfg, weights="vgg16.pth")


def test_weights_start_a_run_that_may_be_taken_up_again(cfg):
    """As an ablation's runs are; this model has no backbone to fill."""
    cfg.load_from = "epoch_1.pth"
    options = {"options": {"load_from": None}, "resume": "auto"}
    with pytest.raises(ValueError, match="no backbone, so --weights has nothing to fill"):
        prepare_training(cfg, weights="vgg16.pth", **options)


def test_a_resumption_that_the_config_asks_for_is_checked_too(cfg, tmp_path):
    cfg.update(resume=True, load_from=str(tmp_path / "gone.pth"))
    with pytest.raises(FileNotFoundError, match=r"gone.pth does not exist"):
        prepare_training(cfg)
