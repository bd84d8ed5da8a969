"""The table of results shows the last and the best of every score."""

import math

import pytest

pytest.importorskip("matplotlib")
from msa_backbone.integration.hooks import results_table


def test_last_and_best():
    history = [(2, {"mAP": 0.2, "mAcc": 0.5}), (4, {"mAP": 0.6}), (6, {"mAP": 0.4, "mAcc": 0.7})]
    lines = results_table(history, "config.py").splitlines()
    assert lines[0] == "`config.py`"
    assert lines[4:] == ["| mAP | 0.400 | 0.600 | 4 |", "| mAcc | 0.700 | 0.700 | 6 |"]


def test_nan_is_never_the_best_and_text_is_left_out():
    history = [(1, {"mAP": math.nan, "note": "x"}), (2, {"mAP": 0.1, "note": "y"})]
    assert results_table(history, "c").splitlines()[4:] == ["| mAP | 0.100 | 0.100 | 2 |"]
