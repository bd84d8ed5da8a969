"""What the runs of an ablation found: a table, plots of scores against costs and against data."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt

from ..benchmark import BackboneCosts

SCORES = {
    "coco/bbox_mAP": "AP",
    "coco/bbox_mAP_50": "AP50",
    "coco/bbox_mAP_s": "AP small",
    "coco/bbox_mAP_m": "AP medium",
    "coco/bbox_mAP_l": "AP large",
    "coco/segm_mAP": "mask AP",
    "pascal_voc/mAP": "VOC mAP",
    "mIoU": "mIoU",
    "mAcc": "mAcc",
    "accuracy/top1": "top-1",
    "single-label/f1-score": "F1",
}
"""What tables show, by the name in the log; the first that there is leads."""

Results = Mapping[str, Mapping[int, Mapping[str, Mapping[str, float]]]]
"""variant -> seed -> 'test' or 'train' -> score."""


def headline(results: Results, metric: str | None = None) -> str:
    """The score that differences and plots are of: `metric`, or the first of `SCORES`.

    Raises:
        ValueError: for a metric that no run has, naming those there are.
    """
    known = {name for seeds in results.values() for run in seeds.values() for name in run["test"]}
    if metric is None:
        metric = next((name for name in SCORES if name in known), None)
    if metric not in known:
        raise ValueError(f"no run has a score {metric!r}: choose one of {', '.join(sorted(known))}")
    return metric


def spread(values: Sequence[float], scale: Sequence[float] | None = None) -> str:
    """Mean and standard deviation (n - 1), in as many digits as `scale`, or they, want."""
    values = np.asarray(values, float)
    digits = 2 if np.nanmax(np.abs(values if scale is None else scale)) > 1.5 else 4
    text = f"{values.mean():.{digits}f}"
    return f"{text} ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else text


def paired_difference(own: Mapping[int, float], other: Mapping[int, float]) -> str:
    """Mean and standard deviation of own - other over common seeds, and how often it is > 0."""
    seeds = sorted(own.keys() & other.keys())
    if not seeds:
        return "-"
    differences = np.array([own[seed] - other[seed] for seed in seeds])
    sign = "+" if differences.mean() >= 0 else ""
    better = f"{(differences > 0).sum()} of {len(seeds)}"
    return f"{sign}{spread(differences, list(own.values()))} ({better})"


def _scores_of(
    results: Results, variant: str, metric: str, split: str = "test"
) -> dict[int, float]:
    """By seed, of the runs that have it; COCO writes -1 where there was nothing to score."""
    scores = {seed: run.get(split, {}).get(metric) for seed, run in results[variant].items()}
    return {seed: value for seed, value in scores.items() if value not in (None, -1.0)}


def ablation_table(
    results: Results, metric: str, costs: Mapping[str, BackboneCosts] | None = None
) -> str:
    """A Markdown table with a row for each variant.

    Args:
        results: of the test, and perhaps of the training's images.
        metric: the headline score; its differences to the first variant are paired by seed.
        costs: of the backbones, by variant.

    Returns:
        Scores as mean ± standard deviation over the seeds; the difference to the first variant,
        and in brackets in how many of the seeds it is positive; train - test where there is both.
    """
    first = next(iter(results))
    label = SCORES.get(metric, metric)
    others = [
        name
        for name in SCORES
        if name != metric and any(_scores_of(results, v, name) for v in results)
    ]
    gap = any(_scores_of(results, variant, metric, "train") for variant in results)
    titles = ["variant", "seeds", label, f"difference to {first}"]
    titles += [SCORES[name] for name in others] + ["train - test"] * gap
    if costs:
        titles += ["parameters", "GFLOPs", "latency", "saved activations"]
    lines = [f"| {' | '.join(titles)} |", "|" + " --- |" * len(titles)]
    for variant in results:
        own = _scores_of(results, variant, metric)
        if not own:
            continue
        cells = [variant, str(len(own)), spread(list(own.values()))]
        reference = _scores_of(results, first, metric)
        cells.append("-" if variant == first else paired_difference(own, reference))
        for name in others:
            values = list(_scores_of(results, variant, name).values())
            cells.append(spread(values) if values else "-")
        if gap:
            train = _scores_of(results, variant, metric, "train")
            gaps = [train[seed] - own[seed] for seed in train]
            cells.append(spread(gaps, list(own.values())) if gaps else "-")
        if costs:
            cost = costs[variant]
            cells += [f"{cost.parameters / 1e6:.2f} M", f"{cost.flops / 1e9:.3f}"]
            cells += [f"{cost.latency:.2f}", f"{cost.saved:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def ablation_csv(results: Mapping[float, Results]) -> str:
    """A row for each run: variant, fraction of the data, seed, seconds and every score."""
    rows = [
        {"variant": variant, "fraction": fraction, "seed": seed, "seconds": run.get("seconds")}
        | {f"{split}/{k}": v for split in ("test", "train") for k, v in run.get(split, {}).items()}
        for fraction, of_fraction in results.items()
        for variant, seeds in of_fraction.items()
        for seed, run in seeds.items()
    ]
    text = io.StringIO()
    columns = list(dict.fromkeys(column for row in rows for column in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def plot_costs(
    results: Results, metric: str, costs: Mapping[str, BackboneCosts], out_file: Path
) -> None:
    """Scores (mean and standard deviation) against inference time and against memory, as a PNG."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained", sharey=True)
    kinds = (("latency", "inference time"), ("saved", "activations saved in training"))
    for axis, (kind, label) in zip(axes, kinds, strict=True):
        for number, variant in enumerate(results):
            values = np.array(list(_scores_of(results, variant, metric).values()))
            if not len(values):
                continue
            error = values.std(ddof=1) if len(values) > 1 else None
            axis.errorbar(
                getattr(costs[variant], kind),
                values.mean(),
                error,
                marker="osD^v"[number // 10 % 5],
                color=f"C{number % 10}",
                capsize=3,
                label=variant,
            )
        axis.set_xlabel(f"{label}, ratio to {next(iter(results))}")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel(SCORES.get(metric, metric))
    figure.suptitle(f"{SCORES.get(metric, metric)} on test against costs")
    axes[1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    figure.savefig(out_file, dpi=110)
    plt.close(figure)


def plot_fractions(results: Mapping[float, Results], metric: str, out_file: Path) -> None:
    """Scores, and train - test where there is both, against the fraction of the data, as a PNG."""
    fractions = sorted(results)
    variants = list(results[fractions[-1]])
    gap = any(_scores_of(results[f], v, metric, "train") for f in fractions for v in results[f])
    figure, axes = plt.subplots(
        1, 1 + gap, figsize=(5.5 * (1 + gap), 4.2), layout="constrained", squeeze=False
    )
    for variant in variants:
        points: list[tuple] = []
        for fraction in fractions:
            test = _scores_of(results[fraction], variant, metric)
            train = _scores_of(results[fraction], variant, metric, "train")
            if test:
                gaps = [train[seed] - test[seed] for seed in train]
                points.append((100 * fraction, list(test.values()), gaps))
        for axis, column in zip(axes[0], (1, 2), strict=False):
            shown = [(point[0], point[column]) for point in points if point[column]]
            x = [percent for percent, _ in shown]
            mean = np.array([np.mean(values) for _, values in shown])
            deviation = [np.std(v, ddof=1) if len(v) > 1 else 0.0 for _, v in shown]
            axis.errorbar(x, mean, deviation, marker="o", capsize=3, label=variant)
    label = SCORES.get(metric, metric)
    for axis, title in zip(axes[0], (f"{label} on test", f"{label}, train - test"), strict=False):
        axis.set(title=title, xlabel="% of the training images", xscale="log")
        axis.set_xticks([100 * f for f in fractions], [f"{100 * f:g}" for f in fractions])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(out_file, dpi=110)
    plt.close(figure)
