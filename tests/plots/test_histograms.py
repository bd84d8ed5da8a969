"""Histograms show the counts that they were given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from msa_backbone.plots import histograms


@pytest.fixture
def axes(monkeypatch):
    """Both axes of the figure that was saved last."""
    saved = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, dpi: saved.append(figure))
    return lambda: saved[-1].axes


def test_objects_by_class_and_size(axes, tmp_path):
    labels = np.array([0, 0, 0, 2, 2])
    sizes = np.array([10.0, 32.0, 95.9, 96.0, 700.0])  # the limits are COCO's: from 32, from 96
    histograms.plot_objects(labels, sizes, ("cat", "dog", "bird"), tmp_path / "a.png")
    left, right = axes()
    widths = [[bar.get_width() for bar in bars] for bars in left.containers]
    assert widths == [[1, 0, 0], [2, 0, 0], [0, 0, 2]]
    assert [text.get_text().strip() for text in left.texts] == ["3", "0", "2"]
    bars = right.containers[-1]
    assert sum(bar.get_height() for bar in bars) == 5
    (last,) = [bar for bar in bars if bar.get_x() <= 700 < bar.get_x() + bar.get_width()]
    assert last.get_height() == 1
    shares = [text.get_text() for text in right.get_legend().get_texts()]
    assert shares == ["small 20%", "medium 40%", "large 40%"]


def test_no_object_at_all(axes, tmp_path):
    histograms.plot_objects(np.array([], int), np.array([]), ("cat",), tmp_path / "a.png")
    assert [text.get_text().strip() for text in axes()[0].texts] == ["0"]


def test_pixels_and_images_of_a_class(axes, tmp_path):
    pixels = np.array([[30, 0, 10], [50, 0, 0], [10, 0, 0]])
    histograms.plot_masks(pixels, ("road", "car", "sky"), tmp_path / "a.png")
    left, right = axes()
    assert [bar.get_width() for bar in left.containers[0]] == [90, 0, 10]
    assert [bar.get_width() for bar in right.containers[0]] == [3, 0, 1]
