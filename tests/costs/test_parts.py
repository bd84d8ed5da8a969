"""Costs by part: counted ones against formulas, measured ones against measuring the whole."""

import time

import pytest
import torch

from msa_backbone import MSAVGG, MultiModalMSAVGG
from msa_backbone.costs.measure import count_flops, saved_bytes
from msa_backbone.costs.parts import _Ledger, part_costs

SHAPE = (2, 3, 64, 96)
CHANNELS = (64, 128, 256, 512, 512)


@pytest.fixture(scope="module")
def costs() -> dict[tuple[int, str], object]:
    return {(c.stage, c.part): c for c in part_costs(MSAVGG(), SHAPE, rounds=2)}


def test_flops_of_the_parts_are_those_of_their_formulas(costs):
    for stage, c in enumerate(CHANNELS, 1):
        locations, h = SHAPE[0] * 64 * 96 // 4**stage, c // 16
        expected = {
            "branches": 2 * locations * c * h * (1 + 9 + 25),
            "channel gate": 2 * SHAPE[0] * 2 * c * h,
            "spatial gate": 2 * locations * 3 * 49,
            "fusion": 2 * locations * 3 * h * c,
        }
        for part, flops in expected.items():
            assert costs[stage, part].flops == flops, (stage, part)
    assert sum(cost.flops for cost in costs.values()) == count_flops(MSAVGG(), SHAPE)


def test_parameters_of_the_parts_add_up(costs):
    first = {part: costs[1, part].parameters for part in ("branches", "channel gate", "fusion")}
    assert first == {
        "branches": 64 * 4 * 35 + 3 * 4,
        "channel gate": 2 * 64 * 4 + 4 + 64,
        "fusion": 12 * 64 + 64,
    }
    assert costs[3, "spatial gate"].parameters == 3 * 49 + 1
    total = sum(cost.parameters for cost in costs.values())
    assert total == sum(p.numel() for p in MSAVGG().parameters())


@pytest.mark.parametrize("kind", ["MultiScaleAttention", "LinearAttention"])
def test_saved_bytes_of_the_parts_add_up_to_the_whole(kind):
    backbone = MSAVGG(base_channels=32, attention={"type": kind}, zero_init=False)
    own = part_costs(backbone, SHAPE, rounds=1)
    for module in backbone.attentions.values():
        module.plain = True
    backbone.to(memory_format=torch.channels_last)
    x = torch.randn(SHAPE).to(memory_format=torch.channels_last)
    whole = saved_bytes(lambda: backbone.eval()(x)[-1], [x, *backbone.parameters()])
    assert sum(cost.saved for cost in own) == whole
    parts = {cost.part for cost in own} - {"VGG"}
    assert parts == (
        {"attention"}
        if kind == "LinearAttention"
        else {"branches", "channel gate", "spatial gate", "fusion"}
    )


def test_a_ledger_gives_every_part_what_it_does_not_pass_on():
    spent = 0.0
    ledger = _Ledger(lambda: spent)
    spent = 100.0  # before anything is open: nobody's
    with ledger.part((1, "outer")):
        spent += 1
        with ledger.part((1, "inner")):
            spent += 10
        spent += 2
        with ledger.part((1, "inner")):
            spent += 20
    spent += 1000
    with ledger.part((2, "outer")):
        spent += 5
    assert ledger.shares == {(1, "outer"): 3, (1, "inner"): 30, (2, "outer"): 5}


def test_a_slow_part_is_found():
    attention = {"type": "MultiScaleAttention", "reduction_ratio": 4}
    backbone = MSAVGG(depth=11, base_channels=8, attention=attention)
    slow = backbone.attentions["10"].spatial_attention
    slow.register_forward_hook(lambda module, inputs, output: time.sleep(0.05))
    own = part_costs(backbone, (1, 3, 64, 64), rounds=2)
    slowest = max(own, key=lambda cost: cost.latency)
    assert (slowest.stage, slowest.part) == (3, "spatial gate") and slowest.latency > 0.05


def test_the_backbone_stays_as_it_was():
    attention = {"type": "MultiScaleAttention", "reduction_ratio": 2}
    backbone = MSAVGG(depth=11, base_channels=4, attention=attention)
    before = {name: set(vars(module)) for name, module in backbone.named_modules()}
    part_costs(backbone, (1, 3, 32, 32), rounds=1)
    assert before == {name: set(vars(module)) for name, module in backbone.named_modules()}
    assert backbone.training and next(backbone.parameters()).device.type == "cpu"


def test_streams_and_fusions_of_several_cameras():
    fusion = {"type": "MultiModalAttention", "reduction_ratio": 2}
    options = {"depth": 11, "base_channels": 4, "fusion": fusion}
    backbone = MultiModalMSAVGG(exchange=True, **options)
    shape = (1, 4, 64, 64)
    costs = {(c.stage, c.part): c for c in part_costs(backbone, (1, 3, 64, 64), rounds=1)}
    assert list(costs) == [(s, p) for s in range(1, 6) for p in ("VGG", "attention")]
    assert sum(c.flops for c in costs.values()) == count_flops(backbone, shape)
    assert sum(c.parameters for c in costs.values()) == sum(
        p.numel() for p in backbone.parameters()
    )
    fused = {f"attentions.{p}" for p in backbone.attentions}
    assert len(fused) == 5
    first = backbone.attentions["2"], backbone.exchanges["2"]
    assert costs[1, "attention"].parameters == sum(
        p.numel() for module in first for p in module.parameters()
    )
    streams = MSAVGG(depth=11, base_channels=4, attention=None)
    grey = MSAVGG(depth=11, base_channels=4, attention=None, in_channels=1)
    plain = count_flops(streams, (1, 3, 64, 64)) + count_flops(grey, (1, 1, 64, 64))
    assert sum(c.flops for (_, part), c in costs.items() if part == "VGG") == plain


def test_what_listens_is_a_part_of_its_own():
    attention = {
        "type": "LanguageConditionedAttention", "text_channels": 8, "reduction_ratio": 4,
        "modulate": True,
    }  # fmt: skip
    backbone = MSAVGG(depth=11, base_channels=16, attention=attention, attention_positions=(2,))
    costs = {c.part: c.parameters for c in part_costs(backbone, SHAPE, rounds=1) if c.stage == 1}
    assert costs["branches"] == 16 * 4 * (1 + 9 + 25) + 3 * 4
    module = backbone.attentions["2"]
    listens = [p for n, p in module.named_parameters() if n.split(".")[0] in module.language_parts]
    assert costs["words"] == sum(p.numel() for p in listens) > 0
