"""Checkpoints and random numbers under kills, on a toy model of mmengine's."""

import logging
import os
import shutil
from pathlib import Path

import processes
import pytest
import torch
import toy_training
from mmengine.fileio import LocalBackend
from mmengine.runner import Runner
from toy_training import Noise, Toy

from msa_backbone.files.checkpoints import read_checkpoint
from msa_backbone.openmmlab.hooks.atomic_checkpoint_hook import (
    AtomicCheckpointHook,
    AtomicLocalBackend,
)
from msa_backbone.openmmlab.hooks.seed_hook import SeedHook


def run(work: Path, **options: object) -> int:
    process = processes.start(toy_training.train, work, **options)
    process.join()
    return process.exitcode


def weights(path: Path) -> torch.Tensor:
    return read_checkpoint(path)["state_dict"]["linear.weight"]


@pytest.mark.slow
def test_a_kill_at_any_file_that_is_touched(tmp_path):
    assert run(tmp_path / "whole") == 0
    assert sorted(p.name for p in (tmp_path / "whole").iterdir() if p.suffix == ".pth") == [
        "best_score_epoch_3.pth",
        "epoch_3.pth",
    ]
    expected = weights(tmp_path / "whole/epoch_3.pth")
    had_last = had_best = False
    for kill_at in range(1, 100):
        work = tmp_path / str(kill_at)
        if run(work, kill_at=kill_at) == 0:
            break
        last = work / "last_checkpoint"
        assert last.exists() or not had_last
        had_last = last.exists()
        if had_last:
            read_checkpoint(last.read_text())
        best = [path for path in work.glob("best_*.pth") if read_checkpoint(path)]
        assert best or not had_best
        had_best = bool(best)
        assert run(work, resume=True) == 0
        assert torch.equal(weights(work / "epoch_3.pth"), expected)
        assert [path.name for path in work.glob("epoch_*")] == ["epoch_3.pth"]
        assert not list(work.glob("*.part"))
    assert kill_at > 20 and had_last and had_best


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "sampler"),
    [
        *((0, "epochs"), (2, "epochs"), (0, "infinite"), (2, "infinite"), (3, "infinite")),
        *((2, "finite"), (2, "batches")),
    ],
)
def test_a_resumed_run_draws_the_same_numbers(workers, sampler, tmp_path):
    """3 workers share 12 batches: after the resumption each one loads another's."""
    by_epoch = sampler == "epochs"
    options = {"workers": workers, "by_epoch": by_epoch, "sampler": sampler}
    assert run(tmp_path / "whole", **options) == 0
    assert run(tmp_path / "parts", epochs=1, **options) == 0
    assert run(tmp_path / "parts", resume=True, **options) == 0
    name = "epoch_3.pth" if by_epoch else "iter_12.pth"
    assert torch.equal(weights(tmp_path / "whole" / name), weights(tmp_path / "parts" / name))


def test_workers_draw_other_numbers_in_every_epoch(tmp_path):
    hook = SeedHook()
    runner = Runner(
        model=Toy(),
        work_dir=str(tmp_path),
        train_dataloader={
            "batch_size": 8,
            "num_workers": 1,
            "dataset": Noise(),
            "sampler": {"type": "DefaultSampler", "shuffle": False},
        },
        train_cfg={"by_epoch": True, "max_epochs": 1},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.01}},
        randomness={"seed": 5},
        log_level="ERROR",
    )
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    hook.before_train(runner)
    drawn = []
    for iteration in (0, 1, 0):
        runner._train_loop._iter = iteration
        hook.before_train_epoch(runner)
        drawn.append(torch.stack(next(iter(runner.train_dataloader))["x"])[:, :3])
    assert torch.equal(drawn[0], drawn[2])
    assert not (drawn[0] == drawn[1]).any()


def test_a_copied_work_dir_leaves_the_first_one_alone(tmp_path):
    assert run(tmp_path / "first", epochs=1) == 0
    before = sorted(path.name for path in (tmp_path / "first").glob("*.pth"))
    assert before == ["best_score_epoch_1.pth", "epoch_1.pth"]
    shutil.copytree(tmp_path / "first", tmp_path / "copy")
    assert run(tmp_path / "copy", resume=True) == 0  # its third epoch has a better score
    assert sorted(path.name for path in (tmp_path / "first").glob("*.pth")) == before
    after = sorted(path.name for path in (tmp_path / "copy").glob("*.pth"))
    assert after == ["best_score_epoch_3.pth", "epoch_3.pth"]


def test_a_best_checkpoint_that_was_not_copied_is_none(tmp_path):
    assert run(tmp_path / "first", epochs=1) == 0
    shutil.copytree(tmp_path / "first", tmp_path / "copy")
    (tmp_path / "copy/best_score_epoch_1.pth").unlink()
    hook = AtomicCheckpointHook(save_best="score", rule="greater")
    hook.file_backend = LocalBackend()
    for name, found in (("copy", None), ("first", str(tmp_path / "first/best_score_epoch_1.pth"))):
        hook.out_dir = str(tmp_path / name)
        hook.best_ckpt_path = str(tmp_path / "first/best_score_epoch_1.pth")
        hook._follow_best()
        assert hook.best_ckpt_path == found


def test_what_a_killed_run_was_writing_is_removed(tmp_path):
    work, out = tmp_path / "work", tmp_path / "out"
    for path in (
        *(work / "last_checkpoint.part", work / "last_checkpoint.0a1b2c3d.part"),
        *(out / "work/epoch_1.pth.part", out / "work/epoch_1.pth.0a1b2c3d.part"),
        *(work / "mine.part", out / "work/mine.txt.0a1b2c3d.part"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    runner = type("R", (), {"work_dir": str(work), "logger": logging.getLogger("test")})
    AtomicCheckpointHook(out_dir=str(out)).before_train(runner)
    left = sorted(path.name for path in tmp_path.rglob("*.part"))
    assert left == ["mine.part", "mine.txt.0a1b2c3d.part"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    backend, path = AtomicLocalBackend(), tmp_path / "folder/file"
    backend.put(b"old", path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        backend.put(b"new", path)
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_two_processes_that_write_one_checkpoint_do_not_disturb_each_other(tmp_path, monkeypatch):
    backend, path, fsync = AtomicLocalBackend(), tmp_path / "epoch_1.pth", os.fsync

    def let_the_other_finish_first(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", fsync)
        backend.put(b"the other's", path)

    monkeypatch.setattr(os, "fsync", let_the_other_finish_first)
    backend.put(b"the first's", path)
    assert path.read_bytes() == b"the first's"
    assert list(tmp_path.iterdir()) == [path]


def test_remote_folders_keep_their_backend(tmp_path):
    runner = type("R", (), {"work_dir": str(tmp_path), "logger": logging.getLogger("test")})
    hook = AtomicCheckpointHook(out_dir="s3://bucket/runs")
    with pytest.raises(ImportError):  # petrel_client, which mmengine wants for s3
        hook.before_train(runner)
    assert hook.backend_args is None
