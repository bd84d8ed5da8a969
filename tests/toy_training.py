"""A toy model's training that can be killed at any file it touches; it runs in `processes`."""

import os
import random
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch.utils.data import BatchSampler, Dataset

import msa_backbone  # noqa: F401  (registers the hooks)
from msa_backbone.files.checkpoints import load_tensors_only_from_now_on

EPOCHS = 3


class Toy(BaseModel):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 1)

    def forward(self, x, mode: str):
        x = torch.stack(x) if isinstance(x, list) else x
        y = self.linear(torch.nn.functional.dropout(x, 0.5, self.training))
        return {"loss": (y - x.sum(1, keepdim=True)).square().mean()} if mode == "loss" else [y]


class Noise(Dataset):
    """Samples that depend on all three sources of random numbers."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict:
        drawn = [random.random(), np.random.rand(), torch.rand(()).item(), index / 8]
        return {"x": torch.tensor(drawn)}


class Pairs(BatchSampler):
    """Batches in a way of its own, as mmdet's batches of one aspect ratio are."""

    def __init__(self, sampler, batch_size: int) -> None:
        super().__init__(sampler, batch_size, drop_last=True)


class Rising(BaseMetric):
    """A score that is better in every epoch, so that every epoch has a new best checkpoint."""

    calls = 0

    def process(self, data_batch, data_samples) -> None:
        self.results.append(0)

    def compute_metrics(self, results) -> dict:
        Rising.calls += 1
        return {"score": float(Rising.calls)}


def train(
    work: Path,
    resume: bool = False,
    kill_at: int | None = None,
    workers: int = 0,
    by_epoch: bool = True,
    epochs: int = EPOCHS,
    sampler: str = "epochs",
) -> None:
    """Train the toy; die at the `kill_at`-th file that a checkpoint opens, renames or removes.

    An iteration-based training has an 'infinite' sampler, one that ends and is begun again
    ('finite'), or an infinite one in a sampler of batches that mmengine cannot skip ('batches').
    """
    torch.set_num_threads(1)
    torch.manual_seed(5)  # the model is built before the runner seeds; imports may draw numbers
    load_tensors_only_from_now_on()
    if kill_at is not None:
        seen = 0

        def audit(event: str, arguments: tuple) -> None:
            nonlocal seen
            if event in ("open", "os.rename", "os.remove") and any(
                str(work) in str(a) and (".pth" in str(a) or "last_checkpoint" in str(a))
                for a in arguments
            ):
                seen += 1
                if seen == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(audit)
    train_cfg = {"by_epoch": True, "max_epochs": epochs}
    if not by_epoch:
        train_cfg = {"by_epoch": False, "max_iters": 4 * epochs, "val_interval": 4}
    loader = {"batch_size": 2, "num_workers": workers, "dataset": Noise()}
    train_loader = {**loader, "sampler": {"type": "InfiniteSampler", "shuffle": True}}
    if sampler in ("epochs", "finite"):
        train_loader["sampler"]["type"] = "DefaultSampler"
    if sampler == "batches":
        train_loader["batch_sampler"] = {"type": Pairs}
    checkpoint = {"type": "AtomicCheckpointHook", "interval": 1 if by_epoch else 4}
    Runner(
        model=Toy(),
        work_dir=str(work),
        train_dataloader=train_loader,
        val_dataloader={**loader, "sampler": {"type": "DefaultSampler", "shuffle": False}},
        train_cfg=train_cfg,
        val_cfg={},
        val_evaluator=[Rising()],
        optim_wrapper={"optimizer": {"type": "Adam", "lr": 0.01}},
        default_hooks={
            "checkpoint": {
                **checkpoint,
                "by_epoch": by_epoch,
                "max_keep_ckpts": 1,
                "save_best": "score",
                "rule": "greater",
            }
        },
        custom_hooks=[{"type": "SeedHook"}],
        randomness={"seed": 5},
        resume=resume,
        cfg=ConfigDict(),
        log_level="ERROR",
    ).train()
