"""Runs side by side: one score of each over time, as a plot and as a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt

from ..files.training_log import read_records

Curve = dict[int, float]  # the score at every step that was validated


def read_curve(work_dir: Path, metric: str) -> Curve:
    """The score of the newest training in a work dir, by epoch or iteration.

    Raises:
        ValueError: if nothing was validated there, or not by this metric.
    """
    _, validation = read_records(work_dir)
    curve = {record["step"]: record[metric] for record in validation if metric in record}
    if not curve:
        known = sorted({name for record in validation for name in record if "step" not in name})
        has = f"has {', '.join(known)}" if known else "holds no validation of a training"
        raise ValueError(f"{work_dir}: no scores {metric!r}; it {has}")
    return curve


def compare(runs: Mapping[str, Sequence[Curve]], metric: str, out_file: Path) -> str:
    """Plot a line for each name and return a Markdown table.

    Args:
        runs: curves by name; several, as of several seeds, are averaged where all have a value, and
            the area between the lowest and the highest is shaded.
        metric: what the curves show.
        out_file: the PNG.

    Returns:
        A row for each name: the number of runs, the mean at the last step, the best mean and its
        step; with several runs the standard deviation (n - 1) of the last values.
    """
    figure, axis = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
    lines = ["| run | runs | last | best | at |", "| --- | --- | --- | --- | --- |"]
    for name, curves in runs.items():
        steps = sorted(set.intersection(*(set(curve) for curve in curves)))
        if not steps:
            raise ValueError(f"{name}: its runs were not validated at the same steps")
        values = np.array([[curve[step] for step in steps] for curve in curves])
        mean = values.mean(axis=0)
        if np.isnan(mean).all():
            raise ValueError(f"{name}: its {metric} is NaN throughout; choose another metric")
        (line,) = axis.plot(steps, mean, marker="o", markersize=4, label=name)
        if len(curves) > 1:
            colour = line.get_color()
            axis.fill_between(steps, values.min(0), values.max(0), color=colour, alpha=0.15)
        spread = f" ± {values[:, -1].std(ddof=1):.2f}" if len(curves) > 1 else ""
        best = int(np.nanargmax(mean))
        last = f"{mean[-1]:.2f}{spread}"
        lines.append(f"| {name} | {len(curves)} | {last} | {mean[best]:.2f} | {steps[best]} |")
    axis.set(title=f"{metric} on validation", xlabel="epoch or iteration", ylabel=metric)
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend()
    out_file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out_file, dpi=120)
    plt.close(figure)
    return "\n".join(lines)
