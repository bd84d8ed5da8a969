"""What the parts of attention add to a plain VGG, as stacked bars."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from ..complexity import VGG, PartCosts


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
