"""What attention and its parts cost beside a plain VGG, as bars."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..plots.figure import new_figure
from .backbones import Costs
from .measure import ratio
from .parts import VGG, PartCosts

OWN_VARIANTS = ("ours", "fused", "compiled")  # in colour, the others in grey


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
    names = list(costs)
    parts = list(dict.fromkeys(c.part for of_one in costs.values() for c in of_one))
    figure = new_figure(14, 1.6 + 0.42 * len(names))
    axes = figure.subplots(1, 4, sharey=True)
    for axis, (kind, title) in zip(axes, kinds.items(), strict=True):
        sums = {
            part: [sum(getattr(c, kind) for c in costs[name] if c.part == part) for name in names]
            for part in parts
        }
        left = [0.0] * len(names)
        for part in parts:
            if part == VGG:
                continue
            widths = [100 * cost / vgg for cost, vgg in zip(sums[part], sums[VGG], strict=True)]
            axis.barh(names, widths, left=left, label=part)
            left = [start + width for start, width in zip(left, widths, strict=True)]
        for row, total in enumerate(left):
            axis.text(total, row, f" {total:.1f}", va="center", fontsize=8)
        axis.set(title=title, xlabel="% of plain VGG")
        axis.set_xlim(0, 1.2 * max([1e-9, *left]))
        axis.grid(axis="x", alpha=0.3)
    axes[0].invert_yaxis()
    axes[-1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    figure.savefig(out_file, dpi=110)


def plot_costs(measured: Mapping[str, Mapping[str, Costs]], out_file: Path) -> None:
    """Draw ratios to plain VGG16: time of inference, time of training and memory.

    Args:
        measured: by the title of its row of panels, costs by variant, the plain network first.
        out_file: the PNG.
    """
    figure = new_figure(12, 1 + 2.6 * len(measured), layout=None)
    axes = figure.subplots(len(measured), 3, squeeze=False, sharex="col")
    for row, (title, costs) in zip(axes, measured.items(), strict=True):
        plain, *others = costs.values()
        names = list(costs)[1:]
        panels = {
            f"inference time\n{title}": [ratio(c.inference, plain.inference) for c in others],
            "time of a training step": [
                ratio(c.training, plain.training) if c.training else None for c in others
            ],
            "activations saved for it": [c.saved / plain.saved or None for c in others],
        }
        for axis, (label, ratios) in zip(row, panels.items(), strict=True):
            known = {n: value for n, value in zip(names, ratios, strict=True) if value is not None}
            colours = ["tab:blue" if name in OWN_VARIANTS else "0.6" for name in known]
            widths = [value - 1 for value in known.values()]
            bars = axis.barh(list(known), widths, left=1, color=colours)
            axis.bar_label(bars, [f"{value:.2f}" for value in known.values()], padding=3)
            axis.axvline(1, color="black", linewidth=0.8)
            axis.invert_yaxis()
            axis.margins(x=0.18)
            axis.set_title(label, fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("ratio to plain VGG16")
    figure.tight_layout()
    figure.savefig(out_file, dpi=110)
