"""Random numbers that depend on the seed and the progress alone, so that resuming changes none."""

import random

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner


@HOOKS.register_module()
class SeedHook(Hook):
    """Seeds Python, numpy and torch anew for every training step, from (seed, rank, step).

    A run that was interrupted and resumed draws the same numbers as one that was not: in the model,
    and in the pipeline too where the loader's workers start with the epoch
    (`persistent_workers=False`, which the training tool sets). Augmentations then differ from epoch
    to epoch; mmengine's own seeding of workers would repeat them. An iteration-based run with
    workers resumes with the same images in the same order, but other augmentations.
    """

    priority = "VERY_HIGH"

    def before_train(self, runner: Runner) -> None:
        if "worker_init_fn" not in (runner.cfg.get("train_dataloader") or {}):
            # mmengine's seeds every epoch's workers alike, torch's own from the generator below.
            runner.train_dataloader.worker_init_fn = None
        runner.train_dataloader.generator = torch.Generator()

    def before_train_epoch(self, runner: Runner) -> None:
        runner.train_dataloader.generator.manual_seed(_seed(runner, runner.iter))

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        _seed(runner, runner.iter + 1)

    def after_val(self, runner: Runner) -> None:
        _seed(runner, runner.iter)


def _seed(runner: Runner, step: int) -> int:
    """Seed everything for what comes before and in training step `step`."""
    sequence = np.random.SeedSequence([runner.seed, runner.rank, step])
    python, numpy, torch_ = (int(word) for word in sequence.generate_state(3))
    random.seed(python)
    np.random.seed(numpy)
    torch.manual_seed(torch_)
    return torch_
