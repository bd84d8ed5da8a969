"""Figures of matplotlib, which is imported when the first one is drawn: tools start without it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float, layout: str | None = "constrained") -> "Figure":
    """A figure of this size, in inches, that opens no window.

    Args:
        width, height: of the figure.
        layout: matplotlib's engine that places axes and texts; None leaves them to the caller.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout=layout)


def colour_map(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """A colour map of matplotlib: values in 0..1 to RGBA in 0..1."""
    from matplotlib import colormaps

    return colormaps[name]
