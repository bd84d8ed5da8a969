"""Maps over pictures: titles and colour bars are there, nothing is cut off, places are right."""

import numpy as np
import pytest

from msa_backbone.files.images import read_image
from msa_backbone.plots.heatmaps import Heatmap, draw_heatmaps, overlay, save_heatmaps


def maps(count: int) -> list[Heatmap]:
    values = np.arange(12, dtype=float).reshape(3, 4)
    return [
        Heatmap(
            f"map number {i} with a rather long title", i + values, f"label {i}", box=(2, 3, 30, 20)
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("size", [(40, 60), (200, 50), (64, 64)])
@pytest.mark.parametrize("count", [1, 4])
def test_titles_and_colour_bars_lie_inside_of_the_picture(size, count):
    figure = draw_heatmaps(
        np.zeros((*size, 3), np.uint8), [maps(count)[:3], maps(count)[3:]], title="all of them"
    )
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles == ["image", *(own.title for own in maps(count))]
    bars = [axis for axis in figure.axes if axis.get_label() == "<colorbar>"]
    assert [bar.get_ylabel() for bar in bars] == [f"label {i}" for i in range(count)]
    assert [bar.get_ylim() for bar in bars] == [(i, i + 11) for i in range(count)]
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    for axis in figure.axes:
        box = axis.get_tightbbox()
        if box is not None and axis.axison + bool(axis.get_title()):
            assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1


def test_limits_are_kept_and_a_constant_map_is_drawn():
    own = Heatmap("constant", np.full((2, 2), 0.25), limits=(0, 1))
    figure = draw_heatmaps(np.zeros((8, 8, 3), np.uint8), [[own, Heatmap("same", own.values)]])
    bars = [axis for axis in figure.axes if axis.get_label() == "<colorbar>"]
    assert bars[0].get_ylim() == (0, 1)


def test_a_map_of_few_values_is_stretched_over_the_whole_picture(tmp_path):
    """The hot corner of a 2 x 2 map is the picture's hot corner."""
    values = np.array([[0.0, 0.0], [0.0, 1.0]])
    figure = draw_heatmaps(np.full((100, 160, 3), 128, np.uint8), [[Heatmap("corner", values)]])
    image = figure.axes[1].images[-1]
    assert image.get_extent() == [-0.5, 159.5, 99.5, -0.5]
    assert np.array_equal(np.asarray(image.get_array()), values)
    save_heatmaps(np.zeros((10, 20, 3), np.uint8), [maps(2)], tmp_path / "new/folder/a.png")
    assert read_image(tmp_path / "new/folder/a.png").shape[1] > 600


def test_an_overlay_is_coloured_by_its_own_range():
    picture = np.full((4, 6, 3), 100, np.uint8)
    values = np.linspace(0.2, 0.4, 24).reshape(4, 6)
    drawn = overlay(picture, values)
    assert drawn.shape == (4, 6, 3) and drawn.dtype == np.uint8
    assert np.array_equal(drawn, overlay(picture, 50 * values))
    low, high = drawn[0, 0].astype(int), drawn[-1, -1].astype(int)
    assert low[2] > low[0] and high[0] > high[2]  # from blue to red
    flat = overlay(picture, 0.5 + 1e-7 * values)  # rounding is no pattern
    assert np.ptp(flat.reshape(-1, 3), axis=0).max() <= 1
