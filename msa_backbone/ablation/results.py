"""The results of an ablation, from the folders of its runs to tables and plots."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner

from ..config.language.words import reads_words
from ..config.load import apply_options
from ..config.options import drop_pretrained
from ..config.user_data import use_data
from ..costs.backbones import BackboneCosts, compare_backbones
from ..files.whole_files import write_whole
from ..scores import headline
from .intervals import DRAWS, intervals_table
from .outcomes import Outcomes, read_outcomes
from .plots import plot_costs, plot_fractions
from .runs import Run, Settings, read_result
from .tables import ablation_csv, ablation_table

NO_INTERVALS = (
    "No intervals: --subsets compares what two variants got right on each test image, which "
    "classifiers and detectors with CocoMetric keep"
)


def write_results(
    runs: Sequence[Run],
    settings: Settings,
    metric: str | None = None,
    rounds: int = 20,
    subsets: Mapping[str, str] = {},
) -> str:
    """Write `results.md`, `results.csv` and the plots into the ablation's folder.

    Args:
        runs: all of the ablation; those that have not finished are left out.
        settings: what all runs share.
        metric: the score that is compared; by default the first headline score that there is.
        rounds: how often the backbones' times are measured; 0 leaves the costs out.
        subsets: patterns of test images' names, by their names: differences on these alone as well.

    Returns:
        The Markdown tables.

    Raises:
        ValueError: if no run has finished, or none has the metric.
    """
    results = finished(runs, settings)
    if not results:
        raise ValueError(f"{settings.work_dir}: no run has finished")
    work_dir, largest = Path(settings.work_dir), max(results)
    found = (run for seeds in results[largest].values() for run in seeds.values())
    metric = headline({name for run in found for name in run["test"]}, metric)
    fractions = sorted(results, reverse=True)
    done = {name for part in fractions for name in results[part]}
    variants = [name for name in dict.fromkeys(run.variant for run in runs) if name in done]
    costs = backbone_costs(variants, settings, rounds) if rounds else None
    tables = []
    for fraction in fractions:
        title = "" if fraction == 1 else f"{100 * fraction:g}% of the training images\n\n"
        tables.append(title + ablation_table(results[fraction], metric, costs))
    if intervals := _intervals(runs, settings, largest, subsets):
        tables.append(intervals)
    text = "\n\n".join(tables)
    write_whole(work_dir / "results.md", text + "\n")
    write_whole(work_dir / "results.csv", ablation_csv(results))
    if costs:
        whole = {name: found for name, found in results[largest].items() if name in costs}
        plot_costs(whole, metric, costs, work_dir / "costs.png")
    if len(results) > 1:
        plot_fractions(results, metric, work_dir / "fractions.png")
    return text


def finished(runs: Sequence[Run], settings: Settings) -> dict[float, dict[str, dict[int, dict]]]:
    """Results by fraction, row and seed; rows in the order of the runs, whichever failed."""
    names = dict.fromkeys(run.name for run in runs)
    results: dict[float, dict[str, dict[int, dict]]] = {}
    for run in sorted(runs, key=lambda run: list(names).index(run.name)):
        if (result := read_result(run, settings)) is not None:
            results.setdefault(run.fraction, {}).setdefault(run.name, {})[run.seed] = result
    return results


def _intervals(
    runs: Sequence[Run], settings: Settings, fraction: float, subsets: Mapping[str, str]
) -> str | None:
    """The differences with intervals, if the first variant and another kept what they got right.

    If they did not, nothing, or for someone who asks for subsets why there are none.
    """
    outcomes: dict[str, dict[int, Outcomes]] = {}
    for run in runs:
        finished = run.fraction == fraction and read_result(run, settings) is not None
        if finished and (told := read_outcomes(run.folder(settings))):
            outcomes.setdefault(run.name, {})[run.seed] = told
    first = runs[0].name
    if first not in outcomes or len(outcomes) < 2:
        return NO_INTERVALS if subsets else None
    try:
        table = intervals_table(outcomes, first, subsets)
    except ValueError as error:
        return f"No intervals: {error}"
    return f"In points, the middle 95 % of {DRAWS} draws of images and seeds\n\n{table}"


def backbone_costs(
    variants: Sequence[str], settings: Settings, rounds: int
) -> dict[str, BackboneCosts] | None:
    """Costs of the variants' backbones on one test image; None for models that read.

    Backbones are measured alone. One that listens needs words, and another variant has none at all.

    They are measured once and kept in `costs.json`, so that a table that is made again after more
    runs shows the same times. More rounds than these had are measured.
    """
    if reads_words(_config(variants[0], settings)):
        return None
    file = Path(settings.work_dir, "costs.json")
    if file.exists():
        kept = json.loads(file.read_text(encoding="utf-8"))
        measured = min(cost.pop("rounds", 0) for cost in kept.values())
        if list(kept) == list(variants) and measured >= rounds:
            return {name: BackboneCosts(**cost) for name, cost in kept.items()}
    backbones, shape = {}, None
    for name in variants:
        cfg = _config(name, settings)
        cfg.work_dir = str(Path(settings.work_dir, name))
        shape = shape or input_shape(cfg, settings)  # all variants see the same data
        init_default_scope(cfg.get("default_scope", "mmengine"))
        drop_pretrained(cfg)
        backbones[name] = MODELS.build(cfg.model.backbone)
    costs = compare_backbones(backbones, shape, rounds)
    kept = {name: {**asdict(cost), "rounds": rounds} for name, cost in costs.items()}
    write_whole(file, json.dumps(kept, indent=1))
    return costs


def _config(variant: str, settings: Settings) -> Config:
    return Config.fromfile(Path(settings.work_dir, variant, "config.py"))


def input_shape(cfg: Config, settings: Settings) -> tuple[int, ...]:
    """The shape in which the backbone gets the first test image, (1, C, H, W)."""
    if settings.data:
        found = use_data(cfg, settings.data, settings.classes)
        apply_options(cfg, settings.options)
        found.write_index()
    init_default_scope(cfg.get("default_scope", "mmengine"))
    loader = Runner.build_dataloader(
        {**cfg.test_dataloader, "num_workers": 0, "persistent_workers": False}, seed=0
    )
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    batch = preprocessor(next(iter(loader)))
    return (1, *batch["inputs"].shape[1:])
