"""How costs are counted: against tensors of known size, and formulas written out."""

from itertools import permutations

import numpy as np
import pytest
import torch
from torch import nn

from msa_backbone import MSAVGG
from msa_backbone.costs import measure
from msa_backbone.costs.measure import count_flops, exponent, peak_bytes, saved_bytes
from msa_backbone.layers import (
    AxialAttention,
    DeformableMultiScaleAttention,
    GroupedMultiScaleAttention,
    LinearAttention,
    MultiScaleAttention,
    SelectiveMultiScaleAttention,
)

H, W = 24, 40
P = H * W


def multi_scale(c: int, h: int, scales: int | None = None) -> int:
    """Multiplications and additions of the module: scales, fusion, channel and spatial gate."""
    scales = c * h * (1 + 9 + 25) if scales is None else scales
    return 2 * P * (scales + 3 * h * c + 3 * 49) + 2 * 2 * c * h


FORMULAS = {
    MultiScaleAttention: multi_scale(64, 4),
    GroupedMultiScaleAttention: 4 * multi_scale(16, 1),
    SelectiveMultiScaleAttention: multi_scale(64, 4) + 2 * (4 * 4 + 4 * 12),
    DeformableMultiScaleAttention: multi_scale(64, 4, 64 * 4 + 4 * 102 * 9 + 4 * 4 * (9 + 25)),
    # 16 channels in 4 heads; a line's weights and their use: 2 * L * 16 for each location
    AxialAttention: 2 * P * (64 * 48 + 16 * 48 + 16 * 64) + 2 * P * 2 * 16 * (H + W),
    LinearAttention: 2 * P * (64 * 48 + 16 * 64) + 2 * P * 2 * 16 * 4,
}


@pytest.mark.parametrize("kind", FORMULAS, ids=lambda kind: kind.__name__)
def test_flops_of_attention_are_those_of_its_formula(kind):
    module = kind(64)
    assert count_flops(module, (1, 64, H, W)) == FORMULAS[kind]
    assert count_flops(module, (3, 64, H, W)) == 3 * FORMULAS[kind]
    assert next(module.parameters()).device.type == "cpu"


def test_flops_of_vgg16_are_those_of_its_convolutions():
    flops, side, inputs = 0, 64, 3
    for width, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(convolutions):
            flops += 2 * 9 * inputs * width * side**2
            inputs = width
        side //= 2
    backbone = MSAVGG(attention=None)
    assert count_flops(backbone, (1, 3, 64, 64)) == flops
    # The article's default: 3.4 % of VGG16 at the pools, whatever the size.
    attended = count_flops(MSAVGG(), (1, 3, 224, 224)) / count_flops(backbone, (1, 3, 224, 224))
    assert attended == pytest.approx(1.034, abs=5e-4)


def test_saved_bytes_count_each_storage_once_and_no_parameters():
    conv = nn.Conv2d(3, 8, 3, padding=1)
    x = torch.randn(1, 3, 16, 16)

    def forward() -> torch.Tensor:
        y = torch.relu(conv(x))  # the ReLU keeps its output, which the product keeps again
        return y * y

    assert saved_bytes(forward, [x, *conv.parameters()]) == 8 * 16 * 16 * 4
    assert saved_bytes(forward, conv.parameters()) == (8 + 3) * 16 * 16 * 4


def test_saved_bytes_count_no_parameters_in_16_bit():
    conv, linear = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 4)
    x = torch.randn(1, 3, 16, 16)

    def forward() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return linear(conv(x).movedim(1, -1))

    parameters = [*conv.parameters(), *linear.parameters()]
    # both layers keep their inputs, in 16 bit
    assert saved_bytes(forward, parameters) == (3 + 8) * 16 * 16 * 2


def test_peak_bytes_see_what_lives_at_once():
    x = torch.zeros(1000)

    def step() -> None:
        first = x + 1
        second = first + 1
        del first
        third = second + 1  # noqa: F841

    assert peak_bytes(step) == 2 * 4000


def test_every_function_follows_every_other():
    order: list[str] = []
    steps = {(name, 1): lambda name=name: order.append(name) for name in "abc"}
    measure.interleave(steps, rounds=40)
    rounds = [order[at : at + 3] for at in range(0, len(order), 3)]
    assert len(rounds) == 42 and all(sorted(turn) == ["a", "b", "c"] for turn in rounds)
    assert {tuple(turn) for turn in rounds} == set(permutations("abc"))


def test_functions_take_turns_and_warm_up(monkeypatch):
    order: list[str] = []
    seconds = {"a": [50, 60, 1, 2, 3], "b": [70, 80, 10, 20, 30]}
    now = [0.0]

    def step(name: str) -> None:
        now[0] += seconds[name][order.count(name)]
        order.append(name)

    monkeypatch.setattr(measure.time, "perf_counter", lambda: now[0])
    times = measure.interleave({"a": lambda: step("a"), "b": lambda: step("b")}, rounds=3)
    assert times == {"a": [1, 2, 3], "b": [10, 20, 30]}
    assert len(order) == 10


def test_a_ratio_is_the_median_of_the_rounds():
    assert measure.ratio([2.0, 4.0, 90.0], [1.0, 2.0, 30.0]) == 2.0


def test_exponent_of_a_power():
    sizes = np.array([1.0, 2.0, 5.0])
    assert exponent(sizes, 3 * sizes**1.7) == pytest.approx(1.7)
