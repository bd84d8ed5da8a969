"""What the runs of an ablation found, as tables."""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from ..costs.backbones import BackboneCosts
from ..files.markdown import markdown_table
from ..scores import LABELS, digits

Results = Mapping[str, Mapping[int, Mapping[str, Mapping[str, float]]]]
"""variant -> seed -> 'test' or 'train' -> name of a score -> its value."""


def spread(values: Sequence[float], scale: Sequence[float] | None = None) -> str:
    """Mean ± standard deviation (n - 1) as text.

    Args:
        values: of the seeds; one alone has no deviation.
        scale: numbers that choose the digits, by default the values themselves.
    """
    shown = digits(values if scale is None else scale)
    values = np.asarray(values, float)
    text = f"{values.mean():.{shown}f}"
    return f"{text} ± {values.std(ddof=1):.{shown}f}" if len(values) > 1 else text


def paired_difference(scores: Mapping[int, float], reference: Mapping[int, float]) -> str:
    """How much scores differ from those of a reference with the same seeds, as text.

    Runs with the same seed see the same images in the same order, which most of the spread comes
    from: differences within a seed tell more than the difference of the means.

    Args:
        scores, reference: by seed; seeds that only one of them has are left out.

    Returns:
        Mean ± standard deviation of the differences, and in how many of the seeds it is above 0.
    """
    seeds = sorted(scores.keys() & reference.keys())
    if not seeds:
        return "-"
    differences = np.array([scores[seed] - reference[seed] for seed in seeds])
    sign = "+" if differences.mean() >= 0 else ""
    better = f"{(differences > 0).sum()} of {len(seeds)}"
    return f"{sign}{spread(differences, list(scores.values()))} ({better})"


def scores_by_seed(
    results: Results, variant: str, metric: str, split: str = "test"
) -> dict[int, float]:
    """A variant's values of a score by seed, of the runs that have it.

    COCO's -1 is left out: there was nothing to score, such as no small object.
    """
    runs = results.get(variant, {})
    scores = {seed: run.get(split, {}).get(metric) for seed, run in runs.items()}
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
    others = [
        name
        for name in LABELS
        if name != metric and any(scores_by_seed(results, v, name) for v in results)
    ]
    gap = any(scores_by_seed(results, variant, metric, "train") for variant in results)
    head = ["variant", "seeds", LABELS.get(metric, metric), f"difference to {first}"]
    head += [LABELS[name] for name in others] + ["train - test"] * gap
    if costs:
        head += ["parameters", "GFLOPs", "latency", "saved activations"]
    reference = scores_by_seed(results, first, metric)
    rows = []
    for variant in results:
        test = scores_by_seed(results, variant, metric)
        if not test:
            continue
        cells = [variant, len(test), spread(list(test.values()))]
        cells.append("-" if variant == first else paired_difference(test, reference))
        for name in others:
            values = list(scores_by_seed(results, variant, name).values())
            cells.append(spread(values) if values else "-")
        if gap:
            train = scores_by_seed(results, variant, metric, "train")
            gaps = [train[seed] - test[seed] for seed in train if seed in test]
            cells.append(spread(gaps, list(test.values())) if gaps else "-")
        if costs and variant not in costs:  # a test of another row's model
            cells += ["-"] * 4
        elif costs:
            cost = costs[variant]
            cells += [f"{cost.parameters / 1e6:.2f} M", f"{cost.flops / 1e9:.3f}"]
            cells += [f"{cost.latency:.2f}", f"{cost.saved:.2f}"]
        rows.append(cells)
    return markdown_table(head, rows)


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
