"""A training that is killed again and again goes on, and ends as if nothing had happened."""

import os
import random
import re
import signal
import time
from pathlib import Path

import processes
import pytest
import torch

from msa_backbone.files.checkpoints import read_checkpoint

pytest.importorskip("mmdet")

KILLS = 20


def training(config: Path, data: Path, work: Path) -> list[str]:
    options = ["train_dataloader.dataset.indices=4", "val_dataloader.dataset.indices=2"]
    arguments = [str(config), "--data", str(data), "--work-dir", str(work), "--seed", "3"]
    return [*arguments, "--resume", "--cfg-options", *options]


@pytest.fixture
def short_epochs(tiny_config) -> Path:
    """40 epochs of one iteration, loaded by two workers; one checkpoint is kept."""
    path = tiny_config.with_name("short.py")
    path.write_text(
        f"_base_ = {str(tiny_config)!r}\n"
        "train_dataloader = dict(batch_size=4, num_workers=2, persistent_workers=True)\n"
        "train_cfg = dict(max_epochs=40, val_interval=20)\n"
        "default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=1))\n"
    )
    return path


@pytest.mark.slow
def test_killed_at_random_moments(short_epochs, demo, tmp_path):
    whole, killed, log = tmp_path / "whole", tmp_path / "killed", tmp_path / "log"

    def start(work: Path):
        return processes.start(
            processes.run_tool, "train", training(short_epochs, demo / "coco", work), log, {}
        )

    def last(work: Path) -> str:
        return (work / "last_checkpoint").read_text() if (work / "last_checkpoint").exists() else ""

    def wait_for_a_checkpoint(process, work: Path) -> None:
        before = last(work)
        while last(work) == before:
            assert process.is_alive(), log.read_text()
            time.sleep(0.02)

    processes.start(os.getpid).join()  # the imports
    begin = time.monotonic()
    process = start(whole)
    wait_for_a_checkpoint(process, whole)
    start_up = time.monotonic() - begin
    process.join()
    epoch = (time.monotonic() - begin - start_up) / 39
    assert process.exitcode == 0, log.read_text()

    rng, epochs = random.Random(0), []
    for number in range(KILLS):
        process = start(killed)
        if number % 4 == 0:
            time.sleep(rng.uniform(0, start_up))
        else:
            wait_for_a_checkpoint(process, killed)
            time.sleep(rng.uniform(0, epoch))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, log.read_text()
        if last(killed):
            epochs.append(read_checkpoint(last(killed))["meta"]["epoch"])
            assert 1 <= len(list(killed.glob("epoch_*.pth"))) <= 2
        else:
            assert not epochs
    assert epochs == sorted(epochs) and epochs[-1] >= KILLS // 2

    process = start(killed)
    process.join()
    assert process.exitcode == 0, log.read_text()
    assert [path.name for path in killed.glob("*.pth*")] == ["epoch_40.pth"]
    ends = [read_checkpoint(work / "epoch_40.pth") for work in (whole, killed)]
    for name, tensor in ends[0]["state_dict"].items():
        assert torch.equal(tensor, ends[1]["state_dict"][name]), name
    moments = [end["optimizer"]["state"] for end in ends]
    assert all(
        torch.equal(moments[0][key]["exp_avg_sq"], moments[1][key]["exp_avg_sq"])
        for key in moments[0]
    )
    (first,) = whole.glob("*/*.log")
    usual = warnings(first.read_text())
    assert usual  # of the kind that the search finds
    resumed = [text for f in killed.glob("*/*.log") if "resumed epoch: " in (text := f.read_text())]
    assert resumed and all(warnings(text) <= usual for text in resumed)


def warnings(text: str) -> set[str]:
    lines = (line for line in text.splitlines() if "warning" in line.lower())
    return {re.sub(r"^[\d/]+ [\d:]+ ", "", line) for line in lines}
