"""Tables of what was measured, in Markdown."""

from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.config import Config

from ..files.markdown import markdown_table
from .backbones import BackboneCosts, Costs
from .measure import exponent, ratio
from .parts import ATTENTION, VGG, PartCosts
from .whole_models import whole_model


def whole_models_table(cfgs: Mapping[str, Config], size: Sequence[int]) -> str:
    """Parameters and FLOPs of configs' whole models on one picture of this height and width.

    Left out are models with words, whose parameters depend on their data, and backbones alone. If
    none is left, the table is empty text.
    """
    rows = []
    for name, cfg in cfgs.items():
        if "type" in cfg.model and "vocabulary" not in cfg.model:
            parameters, flops = whole_model(cfg, size)
            flops = "not counted" if flops is None else f"{flops / 1e9:.3f}"
            rows.append([name, f"{parameters / 1e6:.2f} M", flops])
    if not rows:
        return ""
    return markdown_table(["whole model", "parameters", "GFLOPs"], rows)


def costs_table(costs: Mapping[str, Costs]) -> str:
    """What `measure` gave: ratios to the first variant, medians and quartiles of the times."""
    plain = next(iter(costs.values()))

    def times(seconds: Sequence[float], of_plain: Sequence[float]) -> str:
        if not seconds:
            return "-"
        low, median, high = 1e3 * np.percentile(seconds, (25, 50, 75))
        return f"{ratio(seconds, of_plain):.3f} ({median:.1f} ms, {low:.1f} to {high:.1f})"

    def memory(size: int, of_plain: int) -> str:
        return f"{size / of_plain:.3f} ({size / 2**20:.0f} MiB)" if size else "-"

    return markdown_table(
        ["variant", "inference", "training step", "saved activations", "peak of a step"],
        [
            [
                name,
                times(cost.inference, plain.inference),
                times(cost.training, plain.training),
                memory(cost.saved, plain.saved),
                memory(cost.peak, plain.peak),
            ]
            for name, cost in costs.items()
        ],
    )


def growth_table(sizes: Sequence[float], costs: Sequence[Mapping[str, Costs]]) -> str:
    """How costs grow with pixels or with samples: the exponents of fitted powers.

    Args:
        sizes: pixels or samples of each measurement.
        costs: what `measure` gave for each.
    """
    rows = []
    for name in (name for name, cost in costs[0].items() if cost.training):
        growing = [
            [float(np.median(of_size[name].inference)) for of_size in costs],
            [float(np.median(of_size[name].training)) for of_size in costs],
            [of_size[name].saved for of_size in costs],
        ]
        rows.append([name, *(f"{exponent(sizes, values):.2f}" for values in growing)])
    return markdown_table(["variant", "inference", "training step", "saved activations"], rows)


def parts_table(costs: Sequence[PartCosts]) -> str:
    """A row for each part of each stage, and the sums over the stages."""
    seconds = sum(cost.latency for cost in costs)

    def row(stage: object, part: str, summed: Sequence[PartCosts]) -> list[object]:
        return [
            stage,
            part,
            f"{sum(cost.parameters for cost in summed):,}",
            f"{sum(cost.flops for cost in summed) / 1e9:.3f}",
            f"{sum(cost.saved for cost in summed) / 2**20:.1f} MiB",
            f"{100 * sum(cost.latency for cost in summed) / seconds:.1f} %",
        ]

    rows = [row(cost.stage, cost.part, [cost]) for cost in costs]
    rows.append(row("all", VGG, [cost for cost in costs if cost.part == VGG]))
    if attention := [cost for cost in costs if cost.part != VGG]:
        rows.append(row("all", ATTENTION, attention))
    head = ["stage", "part", "parameters", "GFLOPs", "saved activations", "share of the time"]
    return markdown_table(head, rows)


def totals_table(costs: Mapping[str, BackboneCosts]) -> str:
    """Backbones as they run, with what each adds to the first in parameters and arithmetic."""
    first = next(iter(costs.values()))
    head = ["backbone", "parameters", "", "GFLOPs", "", "saved activations", "latency"]
    return markdown_table(
        head,
        [
            [
                name,
                f"{cost.parameters / 1e6:.2f} M",
                f"{100 * (cost.parameters / first.parameters - 1):+.1f} %",
                f"{cost.flops / 1e9:.3f}",
                f"{100 * (cost.flops / first.flops - 1):+.1f} %",
                f"{cost.saved:.2f}",
                f"{cost.latency:.2f}",
            ]
            for name, cost in costs.items()
        ],
    )
