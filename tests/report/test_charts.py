"""The charts of a report."""

import numpy as np
import pytest

pytest.importorskip("plotly")
from msa_backbone.report import charts


def test_folding_keeps_every_count():
    random = np.random.default_rng(0)
    matrix = random.integers(0, 9, (50, 50))
    matrix[7] += 100
    small, names = charts.folded(matrix, [f"{i}" for i in range(50)], 10)
    assert small.shape == (10, 10) and small.sum() == matrix.sum()
    assert "7" in names and names[-1] == "41 others"
    assert small[names.index("7"), names.index("7")] == matrix[7, 7]
