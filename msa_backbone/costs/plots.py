"""What attention and its parts cost beside a plain VGG, as bars."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from .backbones import Costs
from .measure import ratio
from .parts import VGG, PartCosts

KINDS = ("inference", "training", "saved")
LABELS = ("inference time", "time of a training step", "activations saved for it")


def plot_complexity(costs: Mapping[str, Sequence[PartCosts]], out_file: Path) -> None:
    """Draw a bar for each backbone: the costs of its attention's parts in % of its VGG's.

    Args:
        costs: from `part_costs`, by name.
        out_file: the PNG.
    """
    kinds = {
        "parameters": "parameters",
        "flops": "FLOPs",
        "saved": "saved activations",
        "latency": "inference time",
    }
    parts = list(dict.fromkeys(c.part for own in costs.values() for c in own if c.part != VGG))
    figure, axes = plt.subplots(
        1, 4, figsize=(14, 1.6 + 0.42 * len(costs)), layout="constrained", sharey=True
    )
    for axis, (kind, title) in zip(axes, kinds.items(), strict=True):
        left = dict.fromkeys(costs, 0.0)
        for part in parts:
            widths = {}
            for name, own in costs.items():
                base = sum(getattr(cost, kind) for cost in own if cost.part == VGG)
                share = sum(getattr(cost, kind) for cost in own if cost.part == part)
                widths[name] = 100 * share / base
            axis.barh(list(costs), list(widths.values()), left=list(left.values()), label=part)
            left = {name: left[name] + widths[name] for name in costs}
        for row, total in enumerate(left.values()):
            axis.text(total, row, f" {total:.1f}", va="center", fontsize=8)
        axis.set(title=title, xlabel="% of plain VGG")
        axis.set_xlim(0, 1.2 * max([1e-9, *left.values()]))
        axis.grid(axis="x", alpha=0.3)
    axes[0].invert_yaxis()
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    figure.savefig(out_file, dpi=110)
    plt.close(figure)


matplotlib.use("Agg")


def plot_costs(measured: Mapping[str, Mapping[str, Costs]], out_file: Path) -> None:
    """Draw ratios to plain VGG16 as a PNG, a row of three panels for each measurement.

    Args:
        measured: costs by variant, the plain network first, by title.
        out_file: where to save it.
    """
    figure, axes = plt.subplots(
        len(measured), 3, figsize=(12, 1 + 2.6 * len(measured)), squeeze=False, sharex="col"
    )
    for row, (title, costs) in zip(axes, measured.items(), strict=True):
        plain = next(iter(costs.values()))
        for axis, kind, label in zip(row, KINDS, LABELS, strict=True):
            names = [name for name in list(costs)[1:] if getattr(costs[name], kind)]
            first = getattr(plain, kind)
            ratios = [
                getattr(costs[n], kind) / first
                if kind == "saved"
                else ratio(getattr(costs[n], kind), first)
                for n in names
            ]
            colours = ["tab:blue" if n in ("ours", "fused", "compiled") else "0.6" for n in names]
            bars = axis.barh(names, [value - 1 for value in ratios], left=1, color=colours)
            axis.bar_label(bars, [f"{value:.2f}" for value in ratios], padding=3)
            axis.axvline(1, color="black", linewidth=0.8)
            axis.invert_yaxis()
            axis.margins(x=0.18)
            axis.set_title(f"{label}\n{title}" if kind == "inference" else label, fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("ratio to plain VGG16")
    figure.tight_layout()
    figure.savefig(out_file, dpi=110)
    plt.close(figure)
