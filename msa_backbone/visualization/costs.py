"""What attention costs, as bars."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from ..benchmark import Costs
from ..measurement import ratio

KINDS = ("inference", "training", "saved")
LABELS = ("inference time", "time of a training step", "activations saved for it")


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
