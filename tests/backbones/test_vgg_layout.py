"""Positions against the layers torchvision really builds."""

import pytest
from references import LETTERS, layers_before
from torch import nn
from torchvision.models.vgg import cfgs, make_layers

from msa_backbone.backbones.vgg_layout import plain_positions, resolve_positions

POOLS = {
    11: (2, 5, 10, 15, 20),
    13: (4, 9, 14, 19, 24),
    16: (4, 9, 16, 23, 30),
    19: (4, 9, 18, 27, 36),
}


@pytest.mark.parametrize("depth", sorted(LETTERS))
def test_named_places_are_torchvisions_indices(depth):
    features = make_layers([c if c == "M" else 1 for c in cfgs[LETTERS[depth]]])
    expected = {
        "pool": layers_before(features, nn.MaxPool2d, before_pool=False),
        "relu": layers_before(features, nn.ReLU, before_pool=True),
        "conv": layers_before(features, nn.Conv2d, before_pool=True),
    }
    for place, positions in expected.items():
        assert plain_positions(depth, place) == tuple(positions)
    assert plain_positions(depth, "pool") == POOLS[depth]


@pytest.mark.parametrize(
    ("positions", "last_stage", "before_pool", "expected"),
    [
        (None, 4, False, (4, 9, 16, 23, 30)),
        (None, 4, True, (3, 8, 15, 22, 29)),
        (None, 1, False, (4, 9)),
        (None, 1, True, (3, 8)),
        ("pool", 1, True, (4,)),
        ("pool", 4, True, (4, 9, 16, 23)),
        ("relu", 2, False, (3, 8, 15)),
        ("conv", 4, False, (2, 7, 14, 21, 28)),
        ("conv", 0, True, (2,)),
        ((), 4, False, ()),
        ([9, 4], 4, False, (4, 9)),
        ((0, 30), 4, False, (0, 30)),
        (range(3), 0, True, (0, 1, 2)),
    ],
)
def test_positions_follow_the_outputs(positions, last_stage, before_pool, expected):
    assert resolve_positions(positions, 16, last_stage, before_pool) == expected


@pytest.mark.parametrize(
    ("depth", "positions", "last_stage", "before_pool", "message"),
    [
        (16, (4, 31), 4, False, r"31 does not exist: the layers of VGG16 are 0 to 30"),
        (19, (37,), 4, False, r"37 does not exist: the layers of VGG19 are 0 to 36"),
        (16, (-1,), 4, False, r"-1 does not exist"),
        (16, (30,), 4, True, r"30 lies past the last output, layer 29.*out_indices"),
        (16, (4, 10), 1, False, r"10 lies past the last output, layer 9"),
        (16, "pools", 4, False, r"attention_positions='pools' is unknown: use one of conv, relu"),
        (16, (4, 4), 4, False, r"attention_positions=\(4, 4\) names a layer twice"),
        (16, ("4",), 4, False, r"'4' is not a layer index"),
        (16, (4.0,), 4, False, r"4.0 is not a layer index"),
        (16, (True,), 4, False, r"True is not a layer index"),
    ],
)
def test_positions_that_do_not_fit_are_named(depth, positions, last_stage, before_pool, message):
    with pytest.raises(ValueError, match=message) as caught:
        resolve_positions(positions, depth, last_stage, before_pool)
    assert "\n" not in str(caught.value)
