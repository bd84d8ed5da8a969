"""How costs are counted: against tensors of known size, and what the module may keep."""

import numpy as np
import pytest
import torch
from references import multi_scale_attention
from torch import Tensor, nn

from msa_backbone import bandwidth, benchmark, measurement
from msa_backbone.benchmark import (
    NaiveMultiScaleAttention,
    build_variant,
    exponent,
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


def test_functions_take_turns_and_warm_up(monkeypatch):
    order: list[str] = []
    seconds = {"a": [50, 60, 1, 2, 3], "b": [70, 80, 10, 20, 30]}
    now = [0.0]

    def step(name: str) -> None:
        now[0] += seconds[name][order.count(name)]
        order.append(name)

    monkeypatch.setattr(measurement.time, "perf_counter", lambda: now[0])
    times = measurement.interleave({"a": lambda: step("a"), "b": lambda: step("b")}, rounds=3)
    assert times == {"a": [1, 2, 3], "b": [10, 20, 30]}
    assert "".join(order) == "baabbaabba"  # another one is first in each round


def test_a_ratio_is_the_median_of_the_rounds():
    assert measurement.ratio([2.0, 4.0, 90.0], [1.0, 2.0, 30.0]) == 2.0


def test_what_is_measured(monkeypatch):
    """Training with gradients, inference without, autocast where asked for, `fuse` only there."""
    seen = []

    class Spy(nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name, self.weight = name, nn.Parameter(torch.ones(1))

        def fuse(self) -> None:
            seen.append((self.name, "fuse"))

        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            amp = torch.is_autocast_enabled("cpu")
            seen.append((self.name, torch.is_grad_enabled(), self.training, amp, x.shape))
            return [x * self.weight]

    built = []
    monkeypatch.setattr(
        benchmark, "build_variant", lambda name, at: built.append((name, at)) or Spy(name)
    )
    counted = []
    monkeypatch.setattr(
        Tensor, "backward", lambda self: counted.append(1) or torch.autograd.backward(self)
    )
    for amp in (False, True):
        costs = benchmark.measure(["plain", "fused"], "relu", (2, 32, 48), 3, amp=amp)
        trained = ("plain", True, True, amp, (2, 3, 32, 48))
        # Five rounds of training, then saved and peak memory.
        assert seen[:7] == [trained] * 7 and len(counted) == 6
        assert seen[7] == ("fused", "fuse")
        tested = {name: (name, False, False, amp, (2, 3, 32, 48)) for name in ("plain", "fused")}
        assert sorted(seen[8:]) == sorted([tested["plain"]] * 5 + [tested["fused"]] * 5)
        assert len(costs["plain"].inference) == len(costs["plain"].training) == 3
        assert not costs["fused"].training
        seen.clear(), counted.clear()
    assert built == [("plain", "relu"), ("fused", "relu")] * 2


def test_variants_are_what_they_are_called():
    types = {
        "ours": "MultiScaleAttention",
        "fused": "MultiScaleAttention",
        "naive": "NaiveMultiScaleAttention",
        "grouped": "GroupedMultiScaleAttention",
        "axial": "AxialAttention",
        "linear": "LinearAttention",
        "deformable": "DeformableMultiScaleAttention",
        "selective": "SelectiveMultiScaleAttention",
        "SE": "SEModule",
        "ECA": "EcaModule",
        "CBAM": "CbamModule",
        "coordinate": "CoordAttn",
    }
    assert set(types) | {"plain", "compiled"} == set(benchmark.VARIANTS)
    for name, kind in types.items():
        attentions = build_variant(name, "pool").attentions.values()
        peers = [getattr(module, "attention", module) for module in attentions]
        assert [type(module).__name__ for module in peers] == [kind] * 5
    assert not build_variant("plain", "pool").attentions


def test_exponents_of_time_and_memory_have_their_columns():
    costs = [
        {"plain": benchmark.Costs([size], [size**2], int(size**3), 0)} for size in (1.0, 2.0, 4.0)
    ]
    row = benchmark.growth_table([1, 2, 4], costs).splitlines()[-1]
    assert row == "| plain | 1.00 | 2.00 | 3.00 |"


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


def test_bandwidth_is_bytes_over_time_and_sums_over_the_maps():
    passes = [
        bandwidth.Pass("read", (1, 64, 8, 8), 2e-6, 1_000_000),
        bandwidth.Pass("read", (1, 128, 4, 4), 2e-6, 3_000_000),
    ]
    lines = bandwidth.bandwidth_table(passes, copy=2e12).splitlines()
    assert lines[0] == "copy: 2.00 TB/s read and written"
    assert lines[4:] == [
        "| read | 1x64x8x8 | 2.0 us | 25% |",
        "| read | 1x128x4x4 | 2.0 us | 75% |",
        "| read | all | 4.0 us | 50% |",
    ]
