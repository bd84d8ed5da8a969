"""Maps over pictures, with titles and colour bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .figure import colour_map, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS, OPACITY = "turbo", 0.55


@dataclass
class Heatmap:
    """A map over a picture.

    Attributes:
        title: above it.
        values: (H, W), of any size: it is stretched over the picture.
        label: of the colour bar.
        limits: the values of the first and the last colour; by default the lowest and the highest.
        box: a rectangle to draw: left, top, right, bottom in the picture's pixels.
        over: the name of the picture that it lies over; by default the first.
    """

    title: str
    values: np.ndarray
    label: str = ""
    limits: tuple[float, float] | None = None
    box: tuple[float, float, float, float] | None = None
    over: str | None = None


def save_heatmaps(
    pictures: np.ndarray | Mapping[str, np.ndarray],
    rows: Sequence[Sequence[Heatmap]],
    out_file: Path,
    title: str = "",
) -> None:
    """Save what `draw_heatmaps` draws as a PNG."""
    out_file.parent.mkdir(parents=True, exist_ok=True)
    draw_heatmaps(pictures, rows, title).savefig(out_file, dpi=100)


def draw_heatmaps(
    pictures: np.ndarray | Mapping[str, np.ndarray],
    rows: Sequence[Sequence[Heatmap]],
    title: str = "",
) -> "Figure":
    """Draw the picture, and beside it every map over the picture with its colour bar.

    Args:
        pictures: RGB, (H, W, 3) uint8; or several of one scene and size, by name.
        rows: the maps of each row; the pictures have the first column for themselves.
        title: of the whole figure.
    """
    pictures = pictures if isinstance(pictures, Mapping) else {"image": pictures}
    first = next(iter(pictures))
    height, width = pictures[first].shape[:2]
    columns = 1 + max(map(len, rows), default=0)
    cell = 3.6
    lines = max(len(pictures), len(rows))
    size = columns * (cell + 0.6), lines * (cell * height / width + 0.5)
    from matplotlib.patches import Rectangle

    figure = new_figure(*size)
    axes = figure.subplots(lines, columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, (name, shown) in zip(axes[:, 0], pictures.items(), strict=False):
        axis.imshow(shown)
        axis.set_title(name, fontsize=9)
    greys = {name: greyed(shown) for name, shown in pictures.items()}
    places = [(axes[row, 1 + at], h) for row, maps in enumerate(rows) for at, h in enumerate(maps)]
    for axis, heatmap in places:
        axis.imshow(greys[heatmap.over or first])
        low, high = heatmap.limits or (float(heatmap.values.min()), float(heatmap.values.max()))
        shown = axis.imshow(
            heatmap.values,
            cmap=COLOURS,
            alpha=OPACITY,
            vmin=low,
            vmax=max(high, low + 1e-12),
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
            interpolation="bilinear",
        )
        if heatmap.box is not None:
            left, top, right, bottom = heatmap.box
            axis.add_patch(
                Rectangle(
                    (left, top), right - left, bottom - top, fill=False, color="white", lw=1.5
                )
            )
        axis.set_title(heatmap.title, fontsize=9)
        bar = figure.colorbar(shown, ax=axis, shrink=0.8)
        bar.ax.tick_params(labelsize=7)
        bar.set_label(heatmap.label, fontsize=7)
    if title:
        figure.suptitle(title, fontsize=10)
    return figure


def overlay(picture: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A map over a picture, coloured from the map's lowest value to its highest.

    Values that differ by less than a thousandth have one colour: rounding errors make no pattern.

    Args:
        picture: RGB, (H, W, 3) uint8.
        values: (H, W).

    Returns:
        RGB, (H, W, 3) uint8.
    """
    low, high = float(values.min()), float(values.max())
    span = max(high - low, 1e-3 * max(abs(low), abs(high)), 1e-12)
    colours = colour_map(COLOURS)((values - low) / span)[..., :3]
    mixed = OPACITY * colours + (1 - OPACITY) * greyed(picture)
    return (255 * mixed).round().astype(np.uint8)


def greyed(picture: np.ndarray) -> np.ndarray:
    """A picture without its colours, (H, W, 3) in 0..1."""
    return np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2) / 255
