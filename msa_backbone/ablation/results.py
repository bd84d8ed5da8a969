"""What an ablation found, from the folders of its runs: `results.md`, `results.csv`, the plots."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner

from ..config.options import drop_pretrained
from ..config.user_data import use_data
from ..costs.backbones import BackboneCosts, compare_backbones
from ..files.whole_files import write_whole
from .plots import plot_costs, plot_fractions
from .runs import Run, Settings, read_result
from .tables import ablation_csv, ablation_table, headline


def write_results(
    runs: Sequence[Run], settings: Settings, metric: str | None = None, rounds: int = 20
) -> str:
    """Write the tables and the plots of the finished runs.

    Args:
        runs: of these the finished ones.
        settings: of all.
        metric: the score that is compared; by default AP, mIoU or top-1.
        rounds: in which the backbones' times are measured; 0 leaves the costs out.

    Returns:
        The Markdown tables.

    Raises:
        ValueError: if no run has finished, or none has the metric.
    """
    results: dict[float, dict[str, dict[int, dict]]] = {}
    for run in runs:
        found = read_result(run, settings)
        if found is not None:
            results.setdefault(run.fraction, {}).setdefault(run.variant, {})[run.seed] = found
    if not results:
        raise ValueError(f"{settings.work_dir}: no run has finished")
    work_dir, largest = Path(settings.work_dir), max(results)
    metric = headline(results[largest], metric)
    costs = backbone_costs(list(results[largest]), settings, rounds) if rounds else None
    tables = []
    for fraction in sorted(results, reverse=True):
        title = "" if fraction == 1 else f"{fraction:.0%} of the training images\n\n"
        tables.append(title + ablation_table(results[fraction], metric, costs))
    text = "\n\n".join(tables)
    write_whole(work_dir / "results.md", text + "\n")
    write_whole(work_dir / "results.csv", ablation_csv(results))
    if costs:
        plot_costs(results[largest], metric, costs, work_dir / "costs.png")
    if len(results) > 1:
        plot_fractions(results, metric, work_dir / "fractions.png")
    return text


def backbone_costs(
    variants: Sequence[str], settings: Settings, rounds: int
) -> dict[str, BackboneCosts]:
    """Costs of the variants' backbones on one image of their data; measured once, then kept."""
    file = Path(settings.work_dir, "costs.json")
    if file.exists():
        kept = json.loads(file.read_text(encoding="utf-8"))
        if list(kept) == list(variants):
            return {name: BackboneCosts(**cost) for name, cost in kept.items()}
    backbones, shape = {}, None
    for name in variants:
        cfg = Config.fromfile(Path(settings.work_dir, name, "config.py"))
        cfg.work_dir = str(Path(settings.work_dir, name))
        if shape is None:
            shape = input_shape(cfg, settings)
        init_default_scope(cfg.get("default_scope", "mmengine"))
        drop_pretrained(cfg)
        backbones[name] = MODELS.build(cfg.model.backbone)
    costs = compare_backbones(backbones, shape, rounds)
    write_whole(file, json.dumps({name: asdict(cost) for name, cost in costs.items()}, indent=1))
    return costs


def input_shape(cfg: Config, settings: Settings) -> tuple[int, ...]:
    """(1, C, H, W) of the first test image as the backbone gets it."""
    if settings.data:
        use_data(cfg, settings.data, settings.classes).write_index()
    init_default_scope(cfg.get("default_scope", "mmengine"))
    loader = Runner.build_dataloader(
        {**cfg.test_dataloader, "num_workers": 0, "persistent_workers": False}, seed=0
    )
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    batch = preprocessor(next(iter(loader)))
    return (1, *batch["inputs"].shape[1:])
