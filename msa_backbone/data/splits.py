"""A val split where there is none, and a place for what is made beside the user's data."""

import random
from collections.abc import Collection
from pathlib import Path

from ..errors import DataError


def choose_val(
    root: Path, names: Collection[str], fraction: float = 0.1, seed: int = 0
) -> set[str]:
    """`fraction` of the training images' names, at least one and not all, by `seed`.

    Raises:
        DataError: for fewer than two names; ValueError for a `fraction` outside (0, 1).
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1, got {fraction}")
    if len(names) < 2:
        raise DataError(f"{root}: cannot split one training image; add images or a val split")
    num_val = min(max(1, round(fraction * len(names))), len(names) - 1)
    return set(random.Random(seed).sample(sorted(names), num_val))


def require_outside(index_dir: Path, root: Path) -> None:
    """Raise DataError for a folder inside the user's, which is never written to."""
    if index_dir.resolve().is_relative_to(root.resolve()):
        raise DataError(f"{index_dir}: lies inside the data {root}; choose another work dir")
