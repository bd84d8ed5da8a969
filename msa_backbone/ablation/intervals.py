"""Differences between variants with intervals over images and seeds.

With a hundred test images, a difference of two points may be their choice. The bootstrap (Efron
and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13) draws images again and again
from those at hand, with replacement. Both variants are scored on the same draw: what makes images
hard falls on both alike. The middle 95 % of the differences are the interval. Seeds are drawn in
the same way, since another seed gives another network.

Two limits: three seeds are few, and where they differ more than the images do, an interval from
them is too narrow; with one seed it says nothing about others. And images count as independent,
which those of one video are not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

import numpy as np

from ..files.markdown import markdown_table
from .outcomes import Outcomes

DRAWS = 1000
MOST_CLASSES = 10
"""With more, only their mean is shown."""
LEAST_IMAGES = 5
"""A class in fewer images has no interval of its own: many draws have none of it."""


@dataclass(frozen=True)
class Interval:
    """A difference in points, and the middle 95 % of the draws."""

    difference: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.difference:+.2f} [{self.low:+.2f}, {self.high:+.2f}]"


def difference(
    variant: Mapping[int, Outcomes],
    reference: Mapping[int, Outcomes],
    pattern: str = "*",
    draws: int = DRAWS,
) -> dict[str, Interval]:
    """How far a variant is ahead of a reference.

    Args:
        variant, reference: by seed; seeds that only one of them has are left out.
        pattern: images whose names or paths fit are compared, such as 'night_*' or 'night/*'.
        draws: of the bootstrap, by a fixed seed.

    Returns:
        By score; nothing without a common seed. Classes in few images are left out.

    Raises:
        ValueError: for a pattern that fits no image, or runs on other images or classes.
    """
    seeds = sorted(variant.keys() & reference.keys())
    if not seeds:
        return {}
    first = variant[seeds[0]]
    for run in (*(variant[s] for s in seeds), *(reference[s] for s in seeds)):
        if (
            list(run.images) != list(first.images)
            or (run.boxes or {}).keys() != (first.boxes or {}).keys()
        ):
            raise ValueError("the runs were tested on different images or classes")
    patterns = pattern, f"*/{pattern}"  # paths may be whole ones
    counted = np.flatnonzero([any(fnmatch(path, p) for p in patterns) for path in first.images])
    if not len(counted):
        raise ValueError(f"no test image is named like '{pattern}'; the first is {first.images[0]}")

    def ahead(times: np.ndarray, drawn: Sequence[int]) -> dict[str, float]:
        pairs = {s: (variant[s].scores(times), reference[s].scores(times)) for s in set(drawn)}
        names = pairs[drawn[0]][0]
        return {n: np.mean([pairs[s][0][n] - pairs[s][1][n] for s in drawn]) for n in names}

    rng, whole = np.random.default_rng(0), np.zeros(len(first.images), int)
    whole[counted] = 1
    rare = {
        f"box AP50 {name}"
        for name, boxes in (first.boxes or {}).items()
        if (np.asarray(boxes.objects)[counted] > 0).sum() < LEAST_IMAGES
    }
    measured = {
        name: ahead_by
        for name, ahead_by in ahead(whole, seeds).items()
        if name not in rare and not np.isnan(ahead_by)
    }
    found: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(draws):
        times = np.bincount(rng.choice(counted, len(counted)), minlength=len(whole))
        drawn = ahead(times, rng.choice(seeds, len(seeds)).tolist())
        for name, values in found.items():
            values.append(drawn[name])
    return {
        name: Interval(float(value), *np.nanpercentile(found[name], [2.5, 97.5]).tolist())
        for name, value in measured.items()
    }


def intervals_table(
    outcomes: Mapping[str, Mapping[int, Outcomes]], reference: str, subsets: Mapping[str, str]
) -> str:
    """A Markdown table of the differences to a variant, in points.

    Args:
        outcomes: by variant and seed.
        reference: the variant that the others are compared with.
        subsets: patterns of images' paths to compare on alone, by their names in the table.

    Raises:
        ValueError: as `difference`, and if no seed is that of both.
    """
    rows = []
    for name in (name for name in outcomes if name != reference):
        seeds = len(outcomes[name].keys() & outcomes[reference].keys())
        few = len(next(iter(outcomes[name].values())).boxes or {}) <= MOST_CLASSES
        for subset, pattern in {"all": "*", **subsets}.items():
            found = difference(outcomes[name], outcomes[reference], pattern)
            shown = list(found) if few else list(found)[:1]
            rows += [[name, subset, score, seeds, found[score]] for score in shown]
            if seeds and not found:  # images without an object
                rows.append([name, subset, "-", seeds, "-"])
    if not rows:
        raise ValueError(f"no seed of {reference} is one of another variant's")
    head = ["variant", "images", "score", "seeds", f"difference to {reference} [95 %]"]
    return markdown_table(head, rows)
