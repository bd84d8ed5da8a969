"""How many objects or pixels of every class and size a data set holds, as bars."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .figure import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_LIMITS = (32, 96)  # COCO's small, medium and large, as sides in pixels
_SIZES = ("small", "medium", "large")
_COLOURS = ("#9ecae1", "#4292c6", "#084594")


def plot_objects(
    labels: np.ndarray, sizes: np.ndarray, classes: Sequence[str], out_file: Path
) -> None:
    """Draw how many objects of each class there are, by size, and how large all objects are.

    Args:
        labels: (objects,), indices of `classes`.
        sizes: (objects,), square roots of areas, in pixels.
        classes: names.
        out_file: the PNG.
    """
    figure, (left, right) = _axes(len(classes))
    group = np.searchsorted(SIZE_LIMITS, sizes, side="right")
    start = np.zeros(len(classes))
    for number, (name, colour) in enumerate(zip(_SIZES, _COLOURS, strict=True)):
        counts = np.bincount(labels[group == number], minlength=len(classes))
        share = (group == number).mean() if len(group) else 0
        left.barh(range(len(classes)), counts, left=start, color=colour, label=name)
        right.bar(0, 0, color=colour, label=f"{name} {share:.0%}")
        start += counts
    _name_bars(left, classes, [f"{int(total)}" for total in start], start)
    left.set(title=f"{len(labels)} objects", xlabel="objects")
    ends = (1, *SIZE_LIMITS, max(2 * SIZE_LIMITS[1], sizes.max(initial=0) + 1))
    bins = (20, 6, max(1, round(5.5 * np.log(ends[3] / ends[2]))))  # of about equal width
    spans = zip(ends[:-1], ends[1:], bins, strict=True)
    edges = np.unique(np.concatenate([np.geomspace(a, b, n + 1) for a, b, n in spans]).round(6))
    middles = np.sqrt(edges[1:] * edges[:-1])
    colours = [_COLOURS[i] for i in np.searchsorted(SIZE_LIMITS, middles, side="right")]
    heights = np.histogram(sizes, edges)[0]
    right.bar(edges[:-1], heights, np.diff(edges), align="edge", color=colours)
    right.set(xscale="log", xlim=(edges[0], edges[-1]), ylabel="objects")
    right.set(title="Sizes", xlabel="square root of the box area (pixels)")
    right.legend(loc="upper left")
    figure.savefig(out_file, dpi=110)


def plot_masks(pixels: np.ndarray, classes: Sequence[str], out_file: Path) -> None:
    """Draw each class's share of the labelled pixels, and how many images it is in.

    Args:
        pixels: (images, classes), how many pixels a class has in an image.
        classes: names.
        out_file: the PNG.
    """
    figure, (left, right) = _axes(len(classes))
    share = 100 * pixels.sum(axis=0) / max(1, pixels.sum())
    left.barh(range(len(classes)), share, color=_COLOURS[1])
    _name_bars(left, classes, [f"{value:.1f} %" for value in share], share)
    left.set(title=f"{len(pixels)} images", xlabel="share of the labelled pixels (%)")
    images = (pixels > 0).sum(axis=0)
    right.barh(range(len(classes)), images, color=_COLOURS[1])
    _name_bars(right, classes, [str(count) for count in images], images)
    right.set(title="Images with the class", xlabel="images")
    figure.savefig(out_file, dpi=110)


def _axes(classes: int) -> tuple["Figure", Sequence["Axes"]]:
    figure = new_figure(11, max(3.5, 1.2 + 0.19 * classes))
    return figure, figure.subplots(1, 2)


def _name_bars(axis: "Axes", names: Sequence[str], texts: Sequence[str], ends: np.ndarray) -> None:
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.set_ylim(len(names) - 0.4, -0.6)  # the first class on top
    for row, (text, end) in enumerate(zip(texts, ends, strict=True)):
        axis.text(end, row, f" {text}", va="center", fontsize=7)
    axis.margins(x=0.12)
