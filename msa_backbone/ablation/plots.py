"""Scores of an ablation against what the variants cost, and against the amount of data."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt

from ..costs.backbones import BackboneCosts
from .tables import SCORES, Results, scores_by_seed


def plot_costs(
    results: Results, metric: str, costs: Mapping[str, BackboneCosts], out_file: Path
) -> None:
    """Scores (mean and standard deviation) against inference time and against memory, as a PNG."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained", sharey=True)
    kinds = (("latency", "inference time"), ("saved", "activations saved in training"))
    for axis, (kind, label) in zip(axes, kinds, strict=True):
        for number, variant in enumerate(results):
            values = np.array(list(scores_by_seed(results, variant, metric).values()))
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
    gap = any(scores_by_seed(results[f], v, metric, "train") for f in fractions for v in results[f])
    figure, axes = plt.subplots(
        1, 1 + gap, figsize=(5.5 * (1 + gap), 4.2), layout="constrained", squeeze=False
    )
    for variant in variants:
        points: list[tuple] = []
        for fraction in fractions:
            test = scores_by_seed(results[fraction], variant, metric)
            train = scores_by_seed(results[fraction], variant, metric, "train")
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
