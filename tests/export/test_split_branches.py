"""Narrow branches in another order of sums: the same values."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from msa_backbone import MSAVGG, MultiScaleAttention
from msa_backbone.export.models.split_branches import MOST_OUTPUTS, split_branches


@settings(max_examples=25, deadline=None)
@given(
    channels=st.integers(1, 40),
    ratio=st.integers(1, 9),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_equal_to_the_branches(channels, ratio, height, width, seed):
    torch.manual_seed(seed)
    module = MultiScaleAttention(channels, min(ratio, channels), zero_init=False).double().eval()
    x = torch.randn(2, channels, height, width, dtype=torch.float64)
    other = copy.deepcopy(module)
    split_branches(other)
    split_branches(other)  # once is enough
    other = copy.deepcopy(other)  # the copy computes with its own weights
    narrow = module.conv1x1.out_channels <= MOST_OUTPUTS
    assert hasattr(other, "split_branches") == narrow
    assert torch.allclose(other.scales(x), module.scales(x), atol=1e-12)
    assert torch.allclose(other(x), module(x), atol=1e-12)
    if narrow:  # they are used
        with torch.no_grad():
            other.split_branches.horizontal.bias += 1
        assert not torch.allclose(other(x), module(x), atol=1e-3)


class Reflecting(MultiScaleAttention):
    def _build_scales(self, in_channels: int, hidden: int) -> None:
        super()._build_scales(in_channels, hidden)
        self.conv5x5 = nn.Conv2d(in_channels, hidden, 5, padding=2, padding_mode="reflect")


@pytest.mark.parametrize("kind", ["deformable", "reflecting", "hooked"])
def test_branches_of_another_kind_are_left(kind):
    if kind == "deformable":
        attention = {"type": "DeformableMultiScaleAttention"}
        model = MSAVGG(base_channels=16, attention=attention, zero_init=False)
    else:
        model = nn.Sequential((Reflecting if kind == "reflecting" else MultiScaleAttention)(16, 4))
    if kind == "hooked":
        model[0].conv3x3.register_forward_hook(lambda *_: None)
    other = copy.deepcopy(model)
    split_branches(other)
    assert [type(m) for m in other.modules()] == [type(m) for m in model.modules()]
