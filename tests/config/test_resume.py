"""What a resumed run starts from."""

import pytest
import torch
from mmengine.config import Config

from msa_backbone.config import resume


def save(path, **meta):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"meta": meta, "state_dict": {"weight": torch.zeros(1)}, "optimizer": {}}
    torch.save({**content, "param_schedulers": []}, path)
    path.with_name("last_checkpoint").write_text(str(path))


@pytest.fixture
def cfg(tmp_path) -> Config:
    return Config({"work_dir": str(tmp_path / "work"), "load_from": "start.pth", "resume": False})


def test_the_newest_checkpoint_and_its_seed(cfg, tmp_path):
    path = tmp_path / "work/epoch_2.pth"
    save(path, epoch=2, iter=6, seed=7)
    resume.resume(cfg)
    assert (cfg.resume, cfg.load_from, cfg.randomness.seed) == (True, str(path), 7)


def test_a_seed_and_a_checkpoint_that_are_given_stay(cfg, tmp_path):
    save(tmp_path / "other/iter_4.pth", epoch=0, iter=4, seed=7)
    cfg.randomness = {"seed": 1, "deterministic": True}
    resume.resume(cfg, str(tmp_path / "other/iter_4.pth"))
    assert cfg.load_from == str(tmp_path / "other/iter_4.pth")
    assert cfg.randomness == {"seed": 1, "deterministic": True}


def test_a_work_dir_that_was_moved(cfg, tmp_path):
    save(tmp_path / "before/epoch_1.pth", epoch=1, iter=3, seed=None)
    (tmp_path / "before").rename(tmp_path / "work")
    resume.resume(cfg)
    assert cfg.load_from == str(tmp_path / "work/epoch_1.pth")
    assert "randomness" not in cfg


def test_nothing_to_resume_starts_as_the_config_says(cfg):
    lines = resume.resume(cfg)
    assert (cfg.resume, cfg.load_from) == (False, "start.pth")
    assert "Nothing to resume in" in lines[0]


def test_weights_alone_cannot_be_resumed(cfg, tmp_path):
    torch.save({"weight": torch.zeros(1)}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"weights.pth: it holds no state .* load_from="):
        resume.resume(cfg, str(tmp_path / "weights.pth"))
    assert not cfg.resume


@pytest.mark.parametrize("lacks", ["optimizer", "param_schedulers"])
def test_a_best_checkpoint_cannot_be_resumed(cfg, lacks, tmp_path):
    path = tmp_path / "work/best_score_epoch_2.pth"
    save(path, epoch=2, iter=6)
    content = torch.load(path)
    del content[lacks]
    torch.save(content, path)
    if lacks == "param_schedulers":  # a training without them has none to go on with
        resume.resume(cfg, str(path))
        cfg.param_scheduler = [{"type": "LinearLR"}]
    with pytest.raises(ValueError, match=r"best_score_epoch_2.pth: it holds no state of a train"):
        resume.resume(cfg, str(path))


def test_a_copied_work_dir_has_its_own_checkpoint(tmp_path):
    first, copy = tmp_path / "first", tmp_path / "copy"
    for folder in (first, copy):
        folder.mkdir()
        (folder / "epoch_1.pth").touch()
        (folder / "last_checkpoint").write_text(str(first / "epoch_1.pth"))
    assert resume.newest_checkpoint(str(copy)) == str(copy / "epoch_1.pth")
    (copy / "epoch_1.pth").unlink()
    assert resume.newest_checkpoint(str(copy)) == str(first / "epoch_1.pth")
