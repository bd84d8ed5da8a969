"""Variants x seeds x fractions of the training data of one config: run them, keep what is done.

Every run has its folder, `WORK_DIR/VARIANT/FRACTION/seed_N`, and is finished when `result.json` is
in it. A run that was interrupted goes on where it stopped.
"""

import ast
import json
import os
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS, init_default_scope
from mmengine.runner import Runner, TestLoop

from ..config.load import apply_options, load_config
from ..config.options import drop_pretrained
from ..config.rehearse import rehearse
from ..config_nodes import innermost, walk
from ..files.whole_files import write_whole
from ..training.prepare import prepare_training

RESULT = "result.json"


@dataclass(frozen=True)
class Settings:
    """What all runs of an ablation share.

    Attributes:
        work_dir: where the runs go.
        data, classes, weights: as in tools/train.py.
        train_scores: score the images of the training as well.
    """

    work_dir: str
    data: str | None = None
    classes: tuple[str, ...] | None = None
    weights: str | None = None
    train_scores: bool = False


@dataclass(frozen=True, order=True)
class Run:
    """One training and its test.

    Attributes:
        variant: name of the variant.
        fraction: of the training images, in (0, 1].
        seed: of the training and of the choice of images.
    """

    variant: str
    fraction: float
    seed: int

    def folder(self, settings: Settings) -> Path:
        """Its folder."""
        return Path(settings.work_dir, self.variant, f"{self.fraction:g}", f"seed_{self.seed}")

    def __str__(self) -> str:
        part = "" if self.fraction == 1 else f" on {self.fraction:.0%} of the data"
        return f"{self.variant}{part}, seed {self.seed}"


def derive_config(variant: Path, base: Path) -> str:
    """A variant's config with `base` in the place of the config that it inherits from.

    Args:
        variant: a config that names one `_base_` and changes it.
        base: any config with a MSAVGG backbone.

    Returns:
        The new config's text.

    Raises:
        ValueError: for a variant that is no config with one `_base_`.
    """
    try:
        source = variant.read_text(encoding="utf-8")
        statements = ast.parse(source).body
    except (OSError, SyntaxError) as error:
        raise ValueError(f"variant {variant} cannot be read: {error}") from error
    lines = source.splitlines()
    kept = [
        "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in statements
        if not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_base_")
    ]
    if len(kept) != len(statements) - 1:
        raise ValueError(f"variant {variant} has no _base_ that another config could replace")
    return "\n".join([f"_base_ = {str(base.resolve())!r}", *kept]) + "\n"


def name_variants(paths: Sequence[Path]) -> dict[str, Path]:
    """Variants by the names of their files.

    Raises:
        ValueError: for a name that comes twice.
    """
    named: dict[str, Path] = {}
    for path in paths:
        if path.stem in named:
            raise ValueError(f"variants {named[path.stem]} and {path} have the same name")
        named[path.stem] = path
    return named


def list_runs(
    variants: Collection[str], fractions: Sequence[float], seeds: Sequence[int]
) -> list[Run]:
    """All runs, a seed's together, so that what is done first can be compared first.

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


def write_variants(
    variants: Mapping[str, Path],
    base: Path | None,
    settings: Settings,
    options: Mapping[str, object],
) -> str:
    """Write every variant's complete config, `WORK_DIR/VARIANT/config.py`.

    Args:
        variants: configs by name.
        base: replaces what the variants inherit from; None leaves them as they are.
        options: --cfg-options for all.

    Returns:
        The configs' scope, such as 'mmdet'.

    Raises:
        ValueError: for a variant that is no config, whose model cannot be built, or that is already
            there with other settings; for data and weights that no run could start with.
    """
    texts = {}
    with TemporaryDirectory() as folder:
        for name, path in variants.items():
            source = path
            if base is not None:
                source = Path(folder, path.name)
                source.write_text(derive_config(path, base), encoding="utf-8")
            cfg = load_config(str(source), None, {})
            apply_options(cfg, options)
            cfg.work_dir = None
            texts[name] = cfg.pretty_text
            try:
                check_model(cfg)
            except ValueError as error:
                raise ValueError(f"variant {name}: {error}") from error
        rehearse_training(cfg, settings, folder)
    shared = {name: value for name, value in asdict(settings).items() if name != "work_dir"}
    files = {Path(settings.work_dir, "settings.json"): json.dumps(shared)}
    files |= {Path(settings.work_dir, name, "config.py"): text for name, text in texts.items()}
    for file, text in files.items():
        if file.exists() and file.read_text(encoding="utf-8") != text:
            raise ValueError(
                f"{file} is of an ablation with other settings: choose another --work-dir"
            )
    for file, text in files.items():
        write_whole(file, text)
    return cfg.get("default_scope", "mmengine")


def check_model(cfg: Config) -> None:
    """Build a config's model once, from random weights."""
    rehearsed = Config(cfg._cfg_dict.to_dict())
    rehearsed.load_from = None
    drop_pretrained(rehearsed)
    rehearse(rehearsed, ())


def rehearse_training(cfg: Config, settings: Settings, folder: str) -> None:
    """What every run would find wrong with the data and the weights, found once, in a folder."""
    rehearsed = Config(cfg._cfg_dict.to_dict())
    rehearsed.work_dir = folder
    prepare_training(
        rehearsed, data=settings.data, classes=settings.classes, weights=settings.weights
    )


def read_result(run: Run, settings: Settings) -> dict | None:
    """What a finished run found: `test` (and perhaps `train`) scores by name, `seconds`."""
    file = run.folder(settings) / RESULT
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def run_once(run: Run, settings: Settings) -> None:
    """Train a variant, test its last checkpoint once, and write `result.json`."""
    folder = run.folder(settings)
    start = time.time()
    cfg = load_config(str(Path(settings.work_dir, run.variant, "config.py")), str(folder), {})
    prepare_training(
        cfg,
        data=settings.data,
        classes=settings.classes,
        weights=settings.weights,
        seed=run.seed,
        resume="auto",
    )
    if run.fraction < 1:
        use_fraction(cfg, run.fraction, run.seed)
    runner = Runner.from_cfg(cfg)
    runner.train()
    result: dict = {}
    if settings.train_scores:
        loader, evaluator = train_as_test(cfg)
        result["train"] = plain_scores(TestLoop(runner, loader, evaluator).run())
    result["test"] = plain_scores(runner.test())
    result["seconds"] = time.time() - start
    write_whole(folder / RESULT, json.dumps(result, indent=1))


def plain_scores(metrics: Mapping[str, object]) -> dict[str, float]:
    """The scores that are numbers."""
    return {k: float(v) for k, v in metrics.items() if np.ndim(v) == 0 and not isinstance(v, str)}


def use_fraction(cfg: Config, fraction: float, seed: int) -> None:
    """Train on a part of the images, drawn by `seed`; a smaller part lies within a larger one."""
    init_default_scope(cfg.get("default_scope", "mmengine"))
    for dataset in innermost(cfg.train_dataloader.dataset):
        number = len(DATASETS.build(dataset))
        drawn = np.random.default_rng(seed).permutation(number)[: max(1, round(fraction * number))]
        dataset["indices"] = sorted(int(index) for index in drawn)


def train_as_test(cfg: Config) -> tuple[ConfigDict, object]:
    """Dataloader and evaluator of the test, on the images of the training."""
    copy = Config(cfg._cfg_dict.to_dict())
    source, target = (
        innermost(copy[loader].dataset)[0] for loader in ("train_dataloader", "test_dataloader")
    )
    for key in ("ann_file", "data_root", "data_prefix", "indices"):
        if key in source:
            target[key] = source[key]

    def score_train(node: dict) -> None:
        if "ann_file" in node:
            node["ann_file"] = os.path.join(source.get("data_root") or "", source["ann_file"])

    walk(copy.test_evaluator, score_train)
    return copy.test_dataloader, copy.test_evaluator


def modules_of(scope: str) -> list[str]:
    """What a run of this scope imports, to be loaded once for all."""
    parts = ("models", "datasets", "evaluation") if scope.startswith("mm") else ()
    return [__name__, *(f"{scope}.{part}" for part in parts if scope != "mmengine")]
