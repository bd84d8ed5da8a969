"""What the runs of an ablation found, as tables."""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from ..costs.backbones import BackboneCosts

SCORES = {
    "coco/bbox_mAP": "AP",
    "coco/bbox_mAP_50": "AP50",
    "coco/bbox_mAP_s": "AP small",
    "coco/bbox_mAP_m": "AP medium",
    "coco/bbox_mAP_l": "AP large",
    "coco/segm_mAP": "mask AP",
    "pascal_voc/mAP": "VOC mAP",
    "mIoU": "mIoU",
    "mAcc": "mAcc",
    "accuracy/top1": "top-1",
    "single-label/f1-score": "F1",
}
"""What tables show, by the name in the log; the first that there is leads."""

Results = Mapping[str, Mapping[int, Mapping[str, Mapping[str, float]]]]
"""variant -> seed -> 'test' or 'train' -> score."""


def headline(results: Results, metric: str | None = None) -> str:
    """The score that differences and plots are of: `metric`, or the first of `SCORES`.

    Raises:
        ValueError: for a metric that no run has, naming those there are.
    """
    known = {name for seeds in results.values() for run in seeds.values() for name in run["test"]}
    if metric is None:
        metric = next((name for name in SCORES if name in known), None)
    if metric not in known:
        raise ValueError(f"no run has a score {metric!r}: choose one of {', '.join(sorted(known))}")
    return metric


def spread(values: Sequence[float], scale: Sequence[float] | None = None) -> str:
    """Mean and standard deviation (n - 1), in as many digits as `scale`, or they, want."""
    values = np.asarray(values, float)
    digits = 2 if np.nanmax(np.abs(values if scale is None else scale)) > 1.5 else 4
    text = f"{values.mean():.{digits}f}"
    return f"{text} ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else text


def paired_difference(own: Mapping[int, float], other: Mapping[int, float]) -> str:
    """Mean and standard deviation of own - other over common seeds, and how often it is > 0."""
    seeds = sorted(own.keys() & other.keys())
    if not seeds:
        return "-"
    differences = np.array([own[seed] - other[seed] for seed in seeds])
    sign = "+" if differences.mean() >= 0 else ""
    better = f"{(differences > 0).sum()} of {len(seeds)}"
    return f"{sign}{spread(differences, list(own.values()))} ({better})"


def scores_by_seed(
    results: Results, variant: str, metric: str, split: str = "test"
) -> dict[int, float]:
    """By seed, of the runs that have it; COCO writes -1 where there was nothing to score."""
    scores = {seed: run.get(split, {}).get(metric) for seed, run in results[variant].items()}
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
    label = SCORES.get(metric, metric)
    others = [
        name
        for name in SCORES
        if name != metric and any(scores_by_seed(results, v, name) for v in results)
    ]
    gap = any(scores_by_seed(results, variant, metric, "train") for variant in results)
    titles = ["variant", "seeds", label, f"difference to {first}"]
    titles += [SCORES[name] for name in others] + ["train - test"] * gap
    if costs:
        titles += ["parameters", "GFLOPs", "latency", "saved activations"]
    lines = [f"| {' | '.join(titles)} |", "|" + " --- |" * len(titles)]
    for variant in results:
        own = scores_by_seed(results, variant, metric)
        if not own:
            continue
        cells = [variant, str(len(own)), spread(list(own.values()))]
        reference = scores_by_seed(results, first, metric)
        cells.append("-" if variant == first else paired_difference(own, reference))
        for name in others:
            values = list(scores_by_seed(results, variant, name).values())
            cells.append(spread(values) if values else "-")
        if gap:
            train = scores_by_seed(results, variant, metric, "train")
            gaps = [train[seed] - own[seed] for seed in train]
            cells.append(spread(gaps, list(own.values())) if gaps else "-")
        if costs:
            cost = costs[variant]
            cells += [f"{cost.parameters / 1e6:.2f} M", f"{cost.flops / 1e9:.3f}"]
            cells += [f"{cost.latency:.2f}", f"{cost.saved:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


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
