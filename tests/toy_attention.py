"""A toy model's training with attention that waits, also in processes of its own (`processes`)."""

import copy
import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from processes import log_into
from torch import Tensor, nn
from torch.utils.data import Dataset

from msa_backbone import MSAVGG
from msa_backbone.files.checkpoints import load_tensors_only_from_now_on

EPOCH = 4  # iterations
EPOCHS = 4
ATTENTION = {"type": "MultiScaleAttention", "reduction_ratio": 2, "dropout": 0.2}
names = itertools.count()


class Toy(BaseModel):
    """Attention at 2, 5 and 10; the loss of images (N, 3, 32, 32)."""

    def __init__(self, **options: object) -> None:
        super().__init__()
        backbone = {"depth": 11, "base_channels": 4, "num_stages": 3, "attention": ATTENTION}
        self.backbone = MSAVGG(**{**backbone, **options})
        self.head = nn.Conv2d(self.backbone.out_channels[-1], 1, 1)

    def forward(self, image: list[Tensor], mode: str) -> dict[str, Tensor]:
        image = torch.stack(image)
        y = self.head(self.backbone(image)[-1]).mean((1, 2, 3))
        return {"loss": (y - image.std((1, 2, 3))).square().mean()}


class Noise(Dataset):
    def __len__(self) -> int:
        return 2 * EPOCH

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(index)
        return {"image": torch.randn(3, 32, 32, generator=generator)}


class Watch(Hook):
    """Keeps the weights before and after every step; may end the training before a step."""

    priority = "VERY_LOW"

    def __init__(self, end: Callable[[], None] = lambda: None, end_at: int | None = None) -> None:
        self.end, self.end_at = end, end_at
        self.states: dict[int, dict[str, Tensor]] = {}

    def keep(self, runner: Runner, iteration: int) -> None:
        model = getattr(runner.model, "module", runner.model)
        self.states[iteration] = copy.deepcopy(model.state_dict())

    def before_train(self, runner: Runner) -> None:
        self.keep(runner, runner.iter)
        attention = [p for name, p in runner.model.named_parameters() if "attentions." in name]
        self.starts_frozen = not any(p.requires_grad for p in attention)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        if runner.iter == self.end_at:
            self.end()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        self.keep(runner, runner.iter + 1)

    def moved(self, part: str) -> list[set[bool]]:
        """For every step, whether the weights whose names begin with `part` moved in it."""
        return [
            {
                not torch.equal(self.states[i][name], self.states[i + 1][name])
                for name in self.states[i]
                if name.startswith(part)
            }
            for i in sorted(self.states)[:-1]
        ]


def make_runner(
    work: Path,
    hooks: list[Hook | dict],
    by_epoch: bool = True,
    model: nn.Module | None = None,
    resume: bool = False,
    wrapper: dict | None = None,
    compiled: bool = False,
    optim_wrapper: dict | None = None,
    epochs: int = EPOCHS,
) -> Runner:
    if model is None:
        torch.manual_seed(0)
        model = Toy()
    loop = {"by_epoch": True, "max_epochs": epochs}
    if not by_epoch:
        loop = {"by_epoch": False, "max_iters": epochs * EPOCH}
    sampler = {"type": "DefaultSampler" if by_epoch else "InfiniteSampler", "shuffle": True}
    cfg = {"compile": {"backend": "eager"}} if compiled else {}
    if wrapper is not None:
        cfg["model_wrapper_cfg"] = wrapper
    return Runner(
        model=model,
        work_dir=str(work),
        train_dataloader={
            "batch_size": 2 if wrapper is None else 1,
            "num_workers": 0,
            "dataset": Noise(),
            "sampler": sampler,
            "collate_fn": pseudo_collate,
        },
        train_cfg=loop,
        optim_wrapper={
            "optimizer": {"type": "AdamW", "lr": 0.01, "weight_decay": 0.05},
            "paramwise_cfg": {"custom_keys": {"backbone.attentions.": {"lr_mult": 0.1}}},
            **(optim_wrapper or {}),
        },
        default_hooks={
            "logger": {"type": "LoggerHook", "interval": 1},
            "checkpoint": {
                "type": "AtomicCheckpointHook",
                "interval": 1 if by_epoch else EPOCH,
                "by_epoch": by_epoch,
            },
        },
        custom_hooks=[{"type": "SeedHook"}, *hooks],
        log_processor={"by_epoch": by_epoch},
        randomness={"seed": 5},
        resume=resume,
        launcher="none" if wrapper is None else "pytorch",
        env_cfg={"dist_cfg": {"backend": "gloo"}},
        cfg=ConfigDict(cfg),
        experiment_name=f"attention{next(names)}",
    )


def progressive(epochs: int, by_epoch: bool = True) -> dict:
    return {
        "type": "ProgressiveAttentionHook",
        "unfreeze_at": epochs if by_epoch else epochs * EPOCH,
        "by_epoch": by_epoch,
    }


class Saved(Watch):
    def after_train(self, runner: Runner) -> None:
        assert ("train_step" in vars(runner.model)) == ("compile" in runner.cfg)
        torch.save(self.states, Path(runner.work_dir) / f"rank{runner.rank}.pth")


def begin(log: Path, environment: dict[str, str]) -> None:
    """What a process of its own does first."""
    log_into(log)
    torch.set_num_threads(1)
    os.environ.update(environment, OMP_NUM_THREADS="1", TORCH_FORCE_WEIGHTS_ONLY_LOAD="0")
    load_tensors_only_from_now_on()


def train_until_killed(log: Path, work: Path, kill_at: int | None) -> None:
    """Resume the training, and die before a step."""
    begin(log, {})
    watch = Watch(lambda: os.kill(os.getpid(), signal.SIGKILL), kill_at)
    make_runner(work, [progressive(2), watch], resume=True).train()


def train_as_one_of_two(
    log: Path,
    environment: dict[str, str],
    work: Path,
    by_epoch: bool,
    counts: int,
    compiled: bool,
    end_at: int | None,
) -> None:
    """Resume the training as one of two processes, and end before a step."""
    begin(log, environment)
    torch.distributed.init_process_group("gloo")  # mmengine would look for CUDA
    hook = progressive(2) if by_epoch else {**progressive(1, False), "unfreeze_at": 3}
    make_runner(
        work,
        [hook, {"type": "AttentionRatioHook", "interval": 2}, Saved(sys.exit, end_at)],
        by_epoch,
        resume=True,
        wrapper={
            "type": "MMDistributedDataParallel",
            "device_ids": None,
            "broadcast_buffers": False,
        },
        compiled=compiled,
        optim_wrapper={"accumulative_counts": counts},
    ).train()
    torch.distributed.destroy_process_group()
