"""Two processes on the CPU, by the ordinary launcher: they train one model, and end together."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from msa_backbone.files.checkpoints import read_checkpoint

pytest.importorskip("mmdet")

TOOLS = Path(__file__).parents[2] / "tools"

SPY = """
custom_imports = dict(imports=['msa_backbone', 'rank_spy'], allow_failed_imports=False)
custom_hooks = [dict(type='RankSpy')]
"""

RANK_SPY = """
import os
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module()
class RankSpy(Hook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        with open(f'{runner.work_dir}/rank{runner.rank}.txt', 'a') as file:
            print(os.getpid(), *[s.img_id for s in data_batch['data_samples']], file=file)

    def after_train(self, runner):
        torch.save(runner.model.module.state_dict(), f'{runner.work_dir}/rank{runner.rank}.pth')
"""


@pytest.fixture
def spied(tiny_config, tmp_path, monkeypatch) -> Path:
    """The tiny config, batch 4; each rank notes its process id and images and saves its weights."""
    (tmp_path / "rank_spy.py").write_text(RANK_SPY)
    path = tmp_path / "spied.py"
    path.write_text(f"_base_ = {str(tiny_config)!r}\ntrain_dataloader = dict(batch_size=4)\n{SPY}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return path


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def noted(path: Path) -> list[list[int]]:
    return [[int(word) for word in line.split()] for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_two_processes_train_one_model(spied, demo, tmp_path, monkeypatch):
    work = tmp_path / "work"
    monkeypatch.setenv("PORT", str(free_port()))
    monkeypatch.setenv("PYTHON", sys.executable)
    command = ["bash", TOOLS / "dist_train.sh", spied, "2"]
    options = ["--data", demo / "voc", "--work-dir", work, "--seed", "1"]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=600, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("train: 24 images") == 1  # told once

    states = [torch.load(work / f"rank{rank}.pth", weights_only=True) for rank in (0, 1)]
    assert states[0].keys() == states[1].keys()
    for name, tensor in states[0].items():
        # every rank keeps its own running statistics, and rank 0's are saved, as ever in mmdet
        if "running_" not in name:
            assert torch.equal(tensor, states[1][name]), name
    saved = read_checkpoint(work / "epoch_2.pth")
    assert saved["meta"]["iter"] == 6  # 24 images, 2 processes, 4 images each
    assert torch.equal(
        saved["state_dict"]["neck.lateral_convs.0.conv.weight"],
        states[0]["neck.lateral_convs.0.conv.weight"],
    )
    seen = [noted(work / f"rank{rank}.txt") for rank in (0, 1)]
    images = [{image for line in lines[:3] for image in line[1:]} for lines in seen]
    assert len(images[0]) == len(images[1]) == 12 and not images[0] & images[1]

    command[1] = TOOLS / "dist_test.sh"
    command.insert(3, work / "epoch_2.pth")
    options = ["--data", demo / "voc", "--work-dir", tmp_path / "test"]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=600, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    trained = (work / "results.md").read_text()
    row = next(line for line in trained.splitlines() if "bbox_mAP_50 " in line).split("|")
    assert f"|{row[1]}|{row[2]}|" in (tmp_path / "test/results.md").read_text()


@pytest.mark.slow
def test_a_dying_process_ends_the_other(spied, demo, tmp_path):
    """Without torchrun, which would end it: the connection itself has to."""
    work, port = tmp_path / "work", free_port()
    options = ["--data", demo / "voc", "--work-dir", work, "--launcher", "pytorch"]
    options += ["--cfg-options", "train_cfg.max_epochs=1000"]
    processes, logs = [], []
    for rank in (0, 1):
        env = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        env |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
        logs.append(tmp_path / f"log{rank}")
        with logs[rank].open("w") as file:
            process = subprocess.Popen(
                [sys.executable, TOOLS / "train.py", spied, *options],
                env=env,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        processes.append(process)
    try:
        deadline = time.monotonic() + 300
        while not all((work / f"rank{rank}.txt").exists() for rank in (0, 1)):
            assert time.monotonic() < deadline and processes[0].poll() is None, logs[0].read_text()
            time.sleep(0.2)
        processes[1].send_signal(signal.SIGKILL)
        assert processes[0].wait(timeout=120) != 0
        assert re.search(r"Error.*Connection (closed|reset)", logs[0].read_text())
    finally:
        for process in processes:
            process.kill()


@pytest.mark.slow
def test_bad_input_is_told_once_and_ends_all(spied, demo, tmp_path, monkeypatch):
    monkeypatch.setenv("PORT", str(free_port()))
    monkeypatch.setenv("PYTHON", sys.executable)
    command = ["bash", TOOLS / "dist_train.sh", spied, "2", "--data", tmp_path / "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.count("error: ") == 1 and "nowhere" in done.stderr
    assert not (tmp_path / "work_dirs").exists()


def test_the_launchers_needs(run_tool, tiny_config, demo, monkeypatch):
    arguments = ("train", tiny_config, "--data", demo / "voc", "--launcher")
    for launcher, variable in (("pytorch", "RANK"), ("slurm", "SLURM_PROCID")):
        monkeypatch.delenv(variable, raising=False)
        expected = rf"error: --launcher {launcher} needs {variable}, .*tools/"
        with pytest.raises(SystemExit, match=expected):
            run_tool(*arguments, launcher)
    with pytest.raises(SystemExit, match="error: --dry-run runs in one process"):
        run_tool(*arguments, "pytorch", "--dry-run")
    if not torch.cuda.is_available():
        monkeypatch.setenv("SLURM_PROCID", "0")
        with pytest.raises(SystemExit, match=r"error: --launcher slurm needs CUDA"):
            run_tool(*arguments, "slurm")
