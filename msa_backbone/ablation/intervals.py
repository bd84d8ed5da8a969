"""Differences between variants with intervals over images and seeds.

With a hundred test images, a difference of two points may be their choice. The bootstrap (Efron
and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13) draws images and seeds again and
again from those at hand, with replacement. Both variants are scored on the same draw: what makes
images hard falls on both alike. The middle 95 % of the differences are the interval.
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
        pattern: of the images' names that count, such as 'night_*'.
        draws: of the bootstrap, by a fixed seed.

    Returns:
        By score, of those that both have; nothing without a common seed.

    Raises:
        ValueError: for a pattern that fits no image, or runs on other images.
    """
    seeds = sorted(variant.keys() & reference.keys())
    if not seeds:
        return {}
    images = list(variant[seeds[0]].images)
    if any(list(run[s].images) != images for run in (variant, reference) for s in seeds):
        raise ValueError("the runs were tested on different images: test all of them on the same")
    counted = np.flatnonzero([fnmatch(name, pattern) for name in images])
    if not len(counted):
        raise ValueError(f"no test image is named like '{pattern}'; the first is {images[0]}")

    def ahead(times: np.ndarray, drawn: Sequence[int]) -> dict[str, float]:
        pairs = [(variant[s].scores(times), reference[s].scores(times)) for s in drawn]
        return {name: np.mean([a[name] - b[name] for a, b in pairs]) for name in pairs[0][0]}

    rng, whole = np.random.default_rng(0), np.zeros(len(images), int)
    whole[counted] = 1
    measured = ahead(whole, seeds)
    found: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(draws):
        times = np.bincount(rng.choice(counted, len(counted)), minlength=len(images))
        for name, value in ahead(times, rng.choice(seeds, len(seeds))).items():
            found[name].append(value)
    return {
        name: Interval(float(value), *np.nanpercentile(found[name], [2.5, 97.5]).tolist())
        for name, value in measured.items()
        if not np.isnan(value)
    }


def intervals_table(
    outcomes: Mapping[str, Mapping[int, Outcomes]], subsets: Mapping[str, str]
) -> str:
    """A Markdown table of the differences to the first variant, in points.

    Args:
        outcomes: by variant and seed.
        subsets: patterns of images' names to compare on alone, by their names in the table.

    Raises:
        ValueError: as `difference`.
    """
    first, *others = outcomes
    rows = []
    for name in others:
        for subset, pattern in {"all": "*", **subsets}.items():
            found = difference(outcomes[name], outcomes[first], pattern)
            shown = list(found) if len(found) <= 1 + MOST_CLASSES else ["AP50"]
            rows += [[name, subset, score, found[score]] for score in shown]
    return markdown_table(["variant", "images", "score", f"difference to {first} [95 %]"], rows)
