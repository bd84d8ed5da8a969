"""Scores of an ablation against what the variants cost, and against the amount of data."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..costs.backbones import BackboneCosts
from ..plots.figure import new_figure
from ..scores import LABELS
from .tables import Results, scores_by_seed


def plot_costs(
    results: Results, metric: str, costs: Mapping[str, BackboneCosts], out_file: Path
) -> None:
    """Draw the variants' scores against their inference time and against their memory, as a PNG.

    Points are means over the seeds, bars standard deviations.

    Args:
        results: of every variant.
        metric: the score.
        costs: of the variants' backbones, as ratios to the first of them.
        out_file: the PNG.
    """
    figure = new_figure(12, 5)
    axes = figure.subplots(1, 2, sharey=True)
    kinds = (("latency", "inference time"), ("saved", "activations saved in training"))
    for axis, (kind, words) in zip(axes, kinds, strict=True):
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
        axis.set_xlabel(f"{words}, ratio to {next(iter(costs))}")
        axis.grid(alpha=0.3)
    label = LABELS.get(metric, metric)
    axes[0].set_ylabel(label)
    figure.suptitle(f"{label} on test against costs")
    axes[1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    figure.savefig(out_file, dpi=110)


def plot_fractions(results: Mapping[float, Results], metric: str, out_file: Path) -> None:
    """Draw the variants' scores against the fraction of the data that they trained on, as a PNG.

    A second panel shows by how much the scores on the training images are better than those on the
    test images, where there are both: it is how much a variant overfits.

    Args:
        results: of every variant, by fraction.
        metric: the score.
        out_file: the PNG.
    """
    fractions = sorted(results)
    gap = any(scores_by_seed(results[f], v, metric, "train") for f in fractions for v in results[f])
    figure = new_figure(5.5 * (1 + gap), 4.2)
    axes = figure.subplots(1, 1 + gap, squeeze=False)[0]
    for variant in results[fractions[-1]]:
        tests, gaps = {}, {}
        for fraction in fractions:
            test = scores_by_seed(results[fraction], variant, metric)
            train = scores_by_seed(results[fraction], variant, metric, "train")
            tests[fraction] = list(test.values())
            gaps[fraction] = [train[seed] - test[seed] for seed in train if seed in test]
        for axis, values in zip(axes, (tests, gaps), strict=False):
            known = [fraction for fraction in fractions if values[fraction]]
            x = [100 * fraction for fraction in known]
            mean = [np.mean(values[f]) for f in known]
            deviation = [np.std(values[f], ddof=1) if len(values[f]) > 1 else 0.0 for f in known]
            axis.errorbar(x, mean, deviation, marker="o", capsize=3, label=variant)
    label = LABELS.get(metric, metric)
    for axis, title in zip(axes, (f"{label} on test", f"{label}, train - test"), strict=False):
        axis.set(title=title, xlabel="% of the training images", xscale="log")
        axis.set_xticks([100 * f for f in fractions], [f"{100 * f:g}" for f in fractions])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(out_file, dpi=110)
