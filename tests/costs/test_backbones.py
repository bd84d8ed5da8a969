"""Backbones side by side: what is measured, and what the module may keep."""

import pytest
import torch
from references import multi_scale_attention
from torch import Tensor, nn

from msa_backbone import MSAVGG, MultiModalMSAVGG
from msa_backbone.costs import backbones
from msa_backbone.costs.backbones import (
    NaiveMultiScaleAttention,
    build_variant,
    compare_backbones,
)
from msa_backbone.costs.measure import count_flops, saved_bytes
from msa_backbone.costs.variants import VARIANTS


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
        backbones, "build_variant", lambda name, at: built.append((name, at)) or Spy(name)
    )
    counted = []
    monkeypatch.setattr(
        Tensor, "backward", lambda self: counted.append(1) or torch.autograd.backward(self)
    )
    for amp in (False, True):
        costs = backbones.measure(["plain", "fused"], "relu", (2, 32, 48), 3, amp=amp)
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
    assert set(types) | {"plain", "compiled"} == set(VARIANTS)
    for name, kind in types.items():
        attentions = build_variant(name, "pool").attentions.values()
        peers = [getattr(module, "attention", module) for module in attentions]
        assert [type(module).__name__ for module in peers] == [kind] * 5
    assert not build_variant("plain", "pool").attentions


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


def test_backbones_are_measured_against_the_first():
    class Slow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
            y = self.conv(x)
            for _ in range(20):
                y = torch.sin(y)
            return (y,)

    plain = MSAVGG(depth=11, base_channels=4, attention=None)
    attended = MSAVGG(
        depth=11, base_channels=4, attention={"type": "MultiScaleAttention", "reduction_ratio": 2}
    )
    costs = compare_backbones(
        {"plain": plain, "attended": attended, "slow": Slow()}, (1, 3, 64, 64), 3
    )
    first = costs["plain"]
    assert first.latency == first.saved == 1
    assert first.parameters == sum(p.numel() for p in plain.parameters())
    assert first.flops == count_flops(plain, (1, 3, 64, 64)) < costs["attended"].flops
    assert costs["attended"].saved > 1
    # sin keeps its input: 20 maps of 8 x 64 x 64 against VGG's
    assert costs["slow"].saved > 5


def test_each_backbone_gets_its_own_channels():
    options = {"depth": 11, "base_channels": 4}
    models = {
        "plain": MSAVGG(attention=None, **options),
        "grey": MSAVGG(attention=None, in_channels=1, **options),
        "pair": MultiModalMSAVGG(in_channels=(3, 1), fusion="sum", **options),
    }
    costs = compare_backbones(models, (1, 3, 64, 64), 2)
    expected = {
        name: count_flops(models[name], (1, c, 64, 64))
        for name, c in (("plain", 3), ("grey", 1), ("pair", 4))
    }
    assert {name: cost.flops for name, cost in costs.items()} == expected
    assert expected["pair"] == expected["plain"] + expected["grey"]
    assert 1.9 < costs["pair"].saved < 2.5


@pytest.mark.parametrize("kind", [MSAVGG, MultiModalMSAVGG])
def test_stages_that_are_recomputed_keep_their_inputs_alone(kind):
    options = {"depth": 11, "base_channels": 16, "norm_cfg": {"type": "BN"}}
    plain = MSAVGG(attention=None, **options)
    models = {"plain": plain, "kept": kind(**options), "recomputed": kind(with_cp=True, **options)}
    before = {name: t.clone() for name, t in models["recomputed"].state_dict().items()}
    costs = compare_backbones(models, (1, 3, 64, 64), 1)
    x = torch.randn(1, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    of_plain = saved_bytes(lambda: plain(x)[-1], [x, *plain.parameters()])
    maps = sum(c * (64 // s) ** 2 for c, s in ((16, 2), (32, 4), (64, 8), (128, 16)))
    streams = 2 if kind is MultiModalMSAVGG else 1
    expected = 4 * streams * maps
    if streams > 1:  # the pictures, with absent ones zeroed, and which are present in each stage
        expected += 4 * 4 * 64**2 + 2
    assert round(costs["recomputed"].saved * of_plain) == expected
    assert costs["kept"].saved > 5 * costs["recomputed"].saved
    assert all(torch.equal(before[n], t) for n, t in models["recomputed"].state_dict().items())
    assert not models["recomputed"].training
