"""How costs are counted: against tensors of known size, and what the module may keep."""

import numpy as np
import pytest
import torch
from references import multi_scale_attention
from torch import nn

from msa_backbone.benchmark import (
    NaiveMultiScaleAttention,
    build_variant,
    exponent,
    interleave,
    peak_bytes,
    saved_bytes,
)


def test_saved_bytes_count_each_storage_once_and_no_parameters():
    conv = nn.Conv2d(3, 8, 3, padding=1)
    x = torch.randn(1, 3, 16, 16)

    def forward() -> torch.Tensor:
        y = torch.relu(conv(x))  # the ReLU keeps its output, which the product keeps again
        return y * y

    assert saved_bytes(forward, [x, *conv.parameters()]) == 8 * 16 * 16 * 4
    assert saved_bytes(forward, conv.parameters()) == (8 + 3) * 16 * 16 * 4


def test_peak_bytes_see_what_lives_at_once():
    x = torch.zeros(1000)

    def step() -> None:
        first = x + 1
        second = first + 1
        del first
        third = second + 1  # noqa: F841

    assert peak_bytes(step) == 2 * 4000


def test_functions_take_turns_and_warm_up():
    order = []
    times = interleave({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3)
    assert "".join(order) == "ab" * 5
    assert [len(own) for own in times.values()] == [3, 3]


def test_exponent_of_a_power():
    sizes = np.array([1.0, 2.0, 5.0])
    assert exponent(sizes, 3 * sizes**1.7) == pytest.approx(1.7)


def test_the_naive_form_is_the_published_one():
    torch.manual_seed(0)
    module = NaiveMultiScaleAttention(32, zero_init=False)
    x = torch.randn(2, 32, 9, 7)
    expected = multi_scale_attention(module.state_dict(), x)
    assert (module(x) - expected).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("positions", "goal", "naive"), [("pool", 1.11, 1.27), ("relu", 1.42, 2.1)]
)
def test_activations_saved_for_the_backward_pass(positions, goal, naive):
    x = torch.randn(1, 3, 320, 320).contiguous(memory_format=torch.channels_last)
    saved = {}
    for name in ("plain", "ours", "naive"):
        model = build_variant(name, positions).to(memory_format=torch.channels_last)
        saved[name] = saved_bytes(lambda model=model: model(x)[0], [x, *model.parameters()])
    assert 1 < saved["ours"] / saved["plain"] <= goal
    assert saved["naive"] / saved["plain"] == pytest.approx(naive, abs=0.02)
