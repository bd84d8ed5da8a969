"""The runs of an ablation: a training and a test for each variant, fraction of the data and seed.

A run has its own folder, `WORK_DIR/VARIANT/FRACTION/seed_N`. When it has finished, `result.json` is
there, and it is not run again. A run that was interrupted goes on from its last checkpoint.
"""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope
from mmengine.runner import Runner

from ..config.load import load_config
from ..config_nodes import innermost
from ..files.whole_files import write_whole
from ..training.prepare import prepare_training
from .outcomes import keep_outcomes, write_outcomes
from .scoring import score_test, score_train, train_as_test

RESULT = "result.json"


@dataclass(frozen=True)
class Settings:
    """What all runs of an ablation share.

    Attributes:
        work_dir: where the runs go.
        data, classes, weights: as in tools/train.py.
        train_scores: score the images of the training as well.
        options: --cfg-options on what `data` replaces, see `variants.split_options`; the variants'
            configs have the others.
    """

    work_dir: str
    data: str | None = None
    classes: tuple[str, ...] | None = None
    weights: str | None = None
    train_scores: bool = False
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Run:
    """One training and its test, or another test of what it trained.

    Attributes:
        variant: name of the variant.
        fraction: of the training images, in (0, 1].
        seed: of the training and of the choice of images.
        failure: the camera that fails in the test, and how; see `failures.py`.
    """

    variant: str
    fraction: float
    seed: int
    failure: str = ""

    @property
    def name(self) -> str:
        """The row of its result in a table."""
        return f"{self.variant}, {self.failure}" if self.failure else self.variant

    def folder(self, settings: Settings) -> Path:
        """Where its log, checkpoints and result are."""
        folder = Path(settings.work_dir, self.variant, f"{self.fraction:g}", f"seed_{self.seed}")
        return folder / self.failure.replace(" ", "_")

    def __str__(self) -> str:
        part = "" if self.fraction == 1 else f" on {100 * self.fraction:g}% of the data"
        return f"{self.name}{part}, seed {self.seed}"


def list_runs(
    variants: Collection[str], fractions: Sequence[float], seeds: Sequence[int]
) -> list[Run]:
    """All runs of an ablation, seed by seed: whenever a seed is done, its variants can be compared.

    Raises:
        ValueError: for a fraction outside (0, 1], or one or a seed that comes twice.
    """
    for fraction in fractions:
        if not 0 < fraction <= 1:
            raise ValueError(f"fraction {fraction} of the training images: give 0 < fraction <= 1")
    for name, values in (("fractions", fractions), ("seeds", seeds)):
        if len(set(values)) < len(values):
            raise ValueError(f"{name} {' '.join(map(str, values))}: one comes twice")
    return [
        Run(variant, fraction, seed)
        for seed in seeds
        for fraction in fractions
        for variant in variants
    ]


def read_result(run: Run, settings: Settings) -> dict | None:
    """What a finished run found; None of one that has not finished.

    Returns:
        Scores by name under 'test', perhaps under 'train' as well, and 'seconds' since the run was
        last taken up.
    """
    file = run.folder(settings) / RESULT
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def run_once(run: Run, settings: Settings) -> None:
    """Train a variant, test its last checkpoint once, and write `result.json`."""
    folder = run.folder(settings)
    start = time.time()
    cfg = load_config(str(Path(settings.work_dir, run.variant, "config.py")), str(folder), {})
    for line in prepare_training(
        cfg,
        data=settings.data,
        classes=settings.classes,
        weights=settings.weights,
        seed=run.seed,
        options=settings.options,
        resume="auto",
    ):
        print(line)  # into the run's own log
    if run.fraction < 1:
        use_fraction(cfg, run.fraction, run.seed)
    keep_outcomes(cfg, folder)
    trained_on = train_as_test(cfg) if settings.train_scores else None
    runner = Runner.from_cfg(cfg)
    runner.train()
    result: dict = {}
    if trained_on is not None:
        result["train"] = score_train(runner, *trained_on)
    result["test"] = score_test(runner)
    result["seconds"] = time.time() - start
    keep_result(folder, result, runner)


def keep_result(folder: Path, result: dict, runner: Runner) -> None:
    """Write a run's scores, and what its test got right."""
    write_outcomes(runner, folder)
    write_whole(folder / RESULT, json.dumps(result, indent=1))  # last: now it has finished


def use_fraction(cfg: Config, fraction: float, seed: int) -> None:
    """Train on a part of the images that the config trains on.

    They are shuffled by the seed and the first ones taken. So a smaller fraction is a part of
    a larger one, and what more data bring is not mixed up with which images were drawn. Of a taken
    image all questions are. The words and answers that a model knows stay those of all the data.

    Args:
        cfg: a training's config, changed in place.
        fraction: of the images, in (0, 1].
        seed: of the shuffling.
    """
    init_default_scope(cfg.get("default_scope", "mmengine"))
    for dataset in innermost(cfg.train_dataloader.dataset):
        samples = DATASETS.build(dataset)
        # Some of mmpretrain's have their images in one file, or several for a question.
        images = [str(samples.get_data_info(n).get("img_path", n)) for n in range(len(samples))]
        different = list(dict.fromkeys(images))
        shuffled = np.random.default_rng(seed).permutation(len(different))
        taken = {different[n] for n in shuffled[: max(1, round(fraction * len(different)))]}
        numbers = _numbers(dataset.get("indices"), len(images))
        dataset["indices"] = [n for n, image in zip(numbers, images, strict=True) if image in taken]


def _numbers(indices: int | Sequence[int] | None, samples: int) -> Sequence[int]:
    """Numbers of a data set's samples in the whole one, of which `indices` took them.

    mmengine takes the samples of a list, the first ones of a number, the last of a negative one.
    """
    if isinstance(indices, Sequence):
        return indices
    return range(-samples, 0) if (indices or 0) < 0 else range(samples)


def modules_of(scope: str) -> list[str]:
    """Modules that all runs of this scope import: a server loads them once and forks the runs."""
    parts = ("models", "datasets", "evaluation") if scope.startswith("mm") else ()
    return [__name__, *(f"{scope}.{part}" for part in parts if scope != "mmengine")]
