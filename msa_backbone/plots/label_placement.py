"""Labels on a picture, moved until none covers another; names of areas, without sorting pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from mmengine.visualization import Visualizer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

MOST_LINES = 4  # that a label is moved up or down


@contextmanager
def labels_apart(visualizer: object) -> Iterator[None]:
    """In the block, labels that mmengine's visualizer draws don't cover each other.

    The visualizers of mmdet write a label into the corner of every box: of boxes that lie close,
    nobody can read it. Their texts are matplotlib's: they are moved before the picture is taken. A
    box that reaches out of the picture would also widen matplotlib's axes and leave a white border,
    so the axes get the picture's size again. Those of mmseg sort all pixels of a class in Python to
    place its name, a second a picture: they are given `middle_of_widest_row`.
    """
    if not isinstance(visualizer, Visualizer):
        yield
        return
    take_picture = visualizer.get_image

    def part_and_take_picture() -> object:
        axes = visualizer.ax_save
        if axes.images:
            left, right, bottom, top = axes.images[0].get_extent()
            axes.set(xlim=(left, right), ylim=(bottom, top))
        part_labels(axes)
        return take_picture()

    visualizer.get_image = part_and_take_picture
    if hasattr(visualizer, "_get_center_loc"):
        visualizer._get_center_loc = middle_of_widest_row
    try:
        yield
    finally:
        del visualizer.get_image
        vars(visualizer).pop("_get_center_loc", None)


def middle_of_widest_row(mask: np.ndarray) -> np.ndarray:
    """Where mmseg's `SegLocalVisualizer` writes the name of a class, (x, y).

    Args:
        mask: (H, W), 1 where the class is.
    """
    here = mask == 1
    row = here.sum(axis=1).argmax()
    columns = np.flatnonzero(here[row])
    return np.array([columns[len(columns) // 2], row])


def part_labels(axes: "Axes") -> None:
    """Move texts until they lie inside of the axes and none covers another.

    The first one stays where it is. Another one that would cover an earlier one goes to the next
    free line above or below; without a free line near by it is hidden.
    """
    taken: list[Bbox] = []
    for text in axes.texts:
        if not text.get_visible():
            continue
        box = text.get_window_extent().padded(1)  # with what its background adds
        for shift in _shifts(box, axes.bbox):
            moved = box.translated(*shift)
            if not any(moved.fully_overlaps(other) for other in taken):
                _move(text, axes, shift)
                taken.append(moved)
                break
        else:
            text.set_visible(False)


def _shifts(box: "Bbox", picture: "Bbox") -> Iterator[tuple[float, float]]:
    """Ways into the picture, in pixels to the right and up, the shortest first."""
    right = max(min(0, picture.x1 - box.x1), picture.x0 - box.x0)
    inside = max(min(0, picture.y1 - box.y1), picture.y0 - box.y0)
    yield right, inside
    for line in range(1, MOST_LINES + 1):
        for up in (inside - line * box.height, inside + line * box.height):
            if picture.y0 <= box.y0 + up and box.y1 + up <= picture.y1:
                yield right, up


def _move(text: "Text", axes: "Axes", shift: tuple[float, float]) -> None:
    place = axes.transData.transform(text.get_position())
    text.set_position(axes.transData.inverted().transform(place + shift))
