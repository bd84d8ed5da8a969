"""The share of a change that lies inside boxes."""

import math

import pytest
import torch

from msa_backbone.inference.explain.word_changes import share_inside


def test_an_even_change_has_the_boxes_share_of_the_area():
    inside, area = share_inside(torch.full((4, 8), 3.0), [(8, 8, 16, 4), (40, 0, 8, 8)], (32, 64))
    assert inside == pytest.approx(area) == pytest.approx((16 * 4 + 8 * 8) / (32 * 64))
    # Where boxes overlap, a place counts once.
    _, area = share_inside(torch.ones(4, 8), [(0, 0, 32, 32), (0, 0, 32, 32)], (32, 64))
    assert area == 0.5


def test_a_change_counts_where_it_is():
    change = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    for box, expected in (
        ((0, 0, 10, 10), 0.25),
        ((10, 10, 10, 10), 0.75),
        ((10, 10, 5, 10), 0.375),
        ((10, 0, 10, 10), 0.0),
        ((0, 0, 20, 20), 1.0),
    ):
        assert share_inside(change, [box], (20, 20))[0] == pytest.approx(expected)
    assert math.isnan(share_inside(torch.zeros(2, 2), [(0, 0, 9, 9)], (20, 20))[0])
