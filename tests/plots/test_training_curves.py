"""Curves of a training are drawn as they were logged."""

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure
from training_logs import log

from msa_backbone.files.training_log import read_records
from msa_backbone.plots.training_curves import plot_curves


def test_a_panel_for_scores_appears_with_the_first_validation(tmp_path):
    log(tmp_path, "run", (1, 2), loss=1.0)
    training, validation = read_records(tmp_path)
    plot_curves(training, [], tmp_path / "a.png")
    plot_curves(training, validation, tmp_path / "b.png")
    one, two = (Image.open(tmp_path / f"{name}.png").size for name in "ab")
    assert two[0] == 2 * one[0]
    assert two[1] == one[1]


def test_a_panel_for_attention_appears_with_its_first_figure(tmp_path, monkeypatch):
    log(tmp_path, "run", (1, 2), loss=1.0)
    training, validation = read_records(tmp_path)
    for record in training[1:]:
        record["attention/16"] = 0.1 * record["step"]
        record["attention/4"] = 0.2 * record["step"]
    drawn = []
    savefig = Figure.savefig

    def save(figure: Figure, path, dpi: int) -> None:
        drawn.append(figure.axes)
        savefig(figure, path, dpi=dpi)

    monkeypatch.setattr(Figure, "savefig", save)
    for scores in (validation, []):
        plot_curves(training, scores, tmp_path / "curves.png")
        *others, axis = drawn[-1]
        titles = ["Training loss", "Validation"] if scores else ["Training loss"]
        assert [other.get_title() for other in others] == titles
        assert axis.get_title() == "Attention: |f·ca·sa| / |x|"
        assert axis.get_xlabel() == "iteration"
        lines = {line.get_label(): line.get_xydata() for line in axis.lines}
        assert list(lines) == [text.get_text() for text in axis.get_legend().texts] == ["4", "16"]
        assert np.allclose(lines["4"], [[2, 0.4], [3, 0.6], [4, 0.8]])
        assert np.allclose(lines["16"], [[2, 0.2], [3, 0.3], [4, 0.4]])
        width, height = Image.open(tmp_path / "curves.png").size
        assert (width, height) == (660 * (len(others) + 1), 480)
