"""Random numbers that depend on the seed and the progress alone, so that resuming changes none."""

import random
from collections.abc import Callable, Sequence

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.utils.data import BatchSampler, DataLoader, get_worker_info


class SeedHook(Hook):
    """Seeds Python, numpy and torch anew for every training step, from (seed, rank, step).

    A run that was interrupted and resumed draws the same numbers as one that was not: in the model,
    and in the pipeline too. The loader's workers start with the epoch (`persistent_workers=False`,
    which the training tool sets) and are seeded by it. An iteration-based run has one long epoch,
    so there they are seeded for every batch, by `BatchSeeds`. Augmentations then differ from epoch
    to epoch; mmengine's own seeding of workers would repeat them.
    """

    priority = "VERY_HIGH"

    def before_train(self, runner: Runner) -> None:
        loader = runner.train_dataloader
        loader.generator = torch.Generator()
        self._seeds: BatchSeeds | None = None
        if "worker_init_fn" in (runner.cfg.get("train_dataloader") or {}):
            return
        # mmengine's seeds every epoch's workers alike, torch's own from the generator above.
        loader.worker_init_fn = None
        if loader.num_workers and isinstance(runner.train_loop, IterBasedTrainLoop):
            self._seeds = BatchSeeds(loader.collate_fn)
            loader.worker_init_fn, loader.collate_fn = self._seeds.begin, self._seeds

    def before_train_epoch(self, runner: Runner) -> None:
        generator = runner.train_dataloader.generator
        if self._seeds is None:
            generator.manual_seed(_seed(runner, runner.iter))
            return
        generator.manual_seed(_seed(runner, 0))
        self._seeds.first = runner.iter if _skips(runner.train_dataloader) else 0
        _seed(runner, runner.iter)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        _seed(runner, runner.iter + 1)

    def after_val(self, runner: Runner) -> None:
        _seed(runner, runner.iter)


class BatchSeeds:
    """Seeds a loader's workers for each of their batches, from the loader's seed and its number.

    A worker draws random numbers for one batch after the other. What it draws for a batch depends
    on all that it has loaded before, and after resuming it has loaded nothing. Seeded by the
    batch's number, it draws the same. The workers take turns: of three, the first one loads the
    batches 0, 3, 6 and so on. The object is the loader's `collate_fn`, which ends each batch.

    Args:
        collate: makes a batch of samples.

    Attributes:
        first: the number of the batch with which the workers start.
    """

    def __init__(self, collate: Callable[[Sequence], object]) -> None:
        self.collate = collate
        self.first = 0

    def begin(self, worker: int) -> None:
        """The loader's `worker_init_fn`."""
        self.batch = self.first + worker
        self._seed_batch()

    def __call__(self, samples: Sequence) -> object:
        batch = self.collate(samples)
        self.batch += get_worker_info().num_workers
        self._seed_batch()
        return batch

    def _seed_batch(self) -> None:
        worker = get_worker_info()
        _seed_with([worker.seed - worker.id, self.batch])


def _skips(loader: DataLoader) -> bool:
    """Whether mmengine's loop resumes in the middle of the loader's data, as its sampler allows.

    With other samplers it loads all batches from the first one on, and drops what is trained.
    """
    sampler = loader.batch_sampler
    return type(sampler) is BatchSampler and hasattr(sampler.sampler, "skip")


def _seed(runner: Runner, step: int) -> int:
    """Seed everything for what comes before and in training step `step`."""
    return _seed_with([runner.seed, runner.rank, step])


def _seed_with(entropy: Sequence[int]) -> int:
    """Seed everything from some numbers; returns the seed of torch."""
    python, numpy, torch_ = map(int, np.random.SeedSequence(entropy).generate_state(3))
    random.seed(python)
    np.random.seed(numpy)
    torch.manual_seed(torch_)
    return torch_
