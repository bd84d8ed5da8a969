"""Trainings side by side: one score of each over time, as a plot and as a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..files.markdown import markdown_table
from ..files.training_log import read_records
from ..scores import best_of, digits
from .figure import new_figure


def read_scores(work_dir: Path, metric: str) -> dict[int, float]:
    """A score of the newest training in a work dir, by the epoch or iteration of its validations.

    Raises:
        ValueError: if nothing was validated there, or not by this metric.
    """
    _, validation = read_records(work_dir)
    scores = {record["step"]: record[metric] for record in validation if metric in record}
    if not scores:
        known = sorted({name for record in validation for name in record if "step" not in name})
        has = f"has {', '.join(known)}" if known else "holds no validation of a training"
        raise ValueError(f"{work_dir}: no scores {metric!r}; it {has}")
    return scores


def compare(runs: Mapping[str, Sequence[Mapping[int, float]]], metric: str, out_file: Path) -> str:
    """Plot a line for each name and return a Markdown table.

    Args:
        runs: scores by step of one or more trainings, by name. Of several, as with several seeds,
            the mean is drawn over the steps that all have, and the area between the lowest and the
            highest is shaded.
        metric: what the scores are.
        out_file: the PNG.

    Returns:
        A row for each name: the number of trainings, the mean at the last step, the best mean and
        its step; with several trainings the standard deviation (n - 1) of the last values.

    Raises:
        ValueError: if trainings of a name have no step in common, or only NaN.
    """
    figure = new_figure(6.5, 4.2)
    axis = figure.subplots()
    rows = []
    for name, trainings in runs.items():
        steps = sorted(set.intersection(*map(set, trainings)))
        if not steps:
            raise ValueError(f"{name}: its runs were not validated at the same steps")
        values = np.array([[scores[step] for step in steps] for scores in trainings])
        mean = values.mean(axis=0)
        if np.isnan(mean).all():
            raise ValueError(f"{name}: its {metric} is NaN throughout; choose another metric")
        (line,) = axis.plot(steps, mean, marker="o", markersize=4, label=name)
        shown = digits(mean)
        last = f"{mean[-1]:.{shown}f}"
        if len(trainings) > 1:
            colour = line.get_color()
            axis.fill_between(steps, values.min(0), values.max(0), color=colour, alpha=0.15)
            last += f" ± {values[:, -1].std(ddof=1):.{shown}f}"
        means = ({metric: value, "step": step} for value, step in zip(mean, steps, strict=True))
        best, step = best_of(metric, means)
        rows.append([name, len(trainings), last, f"{best:.{shown}f}", step])
    axis.set(title=f"{metric} on validation", xlabel="epoch or iteration", ylabel=metric)
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend()
    out_file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out_file, dpi=120)
    return markdown_table(["run", "runs", "last", "best", "at"], rows)
