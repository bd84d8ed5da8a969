"""Channel gates over a data set, and what masking them changes."""

import pytest
import torch
from torch import nn

from msa_backbone import MSAVGG, MultiModalMSAVGG, MultiScaleAttention
from msa_backbone.inference.explain.channel_study import (
    ChannelWeights,
    channel_gates,
    importance_table,
    least_and_most_important,
    masked,
    weights_and_scores,
)
from msa_backbone.language import LanguageConditionedAttention


def model_of(attention: nn.Module) -> nn.Module:
    model = nn.Module()
    model.backbone = nn.Module()
    model.backbone.attentions = nn.ModuleDict({"2": attention})
    return model


def test_masked_channels_add_nothing_and_the_others_stay():
    torch.manual_seed(0)
    module = MultiScaleAttention(8, 2, zero_init=False)
    x = torch.randn(2, 8, 20, 20)
    gates = channel_gates(model_of(module))
    with torch.no_grad():
        whole = module(x)
        with masked(gates, {"2": [1, 6]}):
            without = module(x)
        assert torch.equal(without[:, [1, 6]], x[:, [1, 6]])
        others = [0, 2, 3, 4, 5, 7]
        assert (without[:, others] - whole[:, others]).abs().max() < 1e-6
        assert (whole - x).abs().amax((0, 2, 3)).min() > 1e-3
        assert torch.equal(module(x), whole)


@pytest.mark.parametrize("side", [20, 70])  # the second is for the fast form without a sentence
@pytest.mark.parametrize("asked", [True, False])
def test_gates_of_attention_that_listens(side, asked):
    torch.manual_seed(0)
    module = LanguageConditionedAttention(8, 5, 2, zero_init=False).eval()
    x, sentence = torch.randn(2, 8, side, side), torch.randn(2, 5) if asked else None

    class Runner:
        def test(self) -> dict[str, float]:
            with torch.no_grad():
                module(x, sentence)
            return {"score": 0.5}

    gates = channel_gates(model_of(module))
    weights, scores = weights_and_scores(Runner(), gates)
    with torch.no_grad():
        nobody = torch.zeros(2, 5)
        expected = module.channel_weights_given(x, sentence if asked else nobody).flatten(1)
        assert torch.allclose(weights["2"].mean, expected.mean(0), atol=1e-6)
        assert scores == {"score": 0.5}
        with masked(gates, {"2": range(8)}):
            assert torch.equal(module(x, sentence), x)
        assert not torch.equal(module(x, sentence), x)


def test_channels_are_ranked_by_their_average():
    weights = {"5": ChannelWeights(torch.tensor([0.5, 0.1, 0.9]), torch.zeros(3))}
    assert least_and_most_important(weights, 1.0) == ({"5": [1, 0, 2]}, {"5": [2, 0, 1]})
    for share in (0.3, 0.01):  # one at least
        assert least_and_most_important(weights, share) == ({"5": [1]}, {"5": [2]})


def test_the_table_shows_what_is_lost():
    table = importance_table(0.5, {0.1: (0.495, 0.4), 1.0: (0.3, 0.3)}, "mAP").splitlines()
    assert (
        table[0]
        == "| channels left out | mAP without the least | change | without the most | change |"
    )
    assert table[3] == "| 10 % | 0.4950 | -0.0050 | 0.4000 | -0.1000 |"
    assert table[4] == "| 100 % | 0.3000 | -0.2000 | 0.3000 | -0.2000 |"


def test_gates_of_several_cameras():
    """Each is called, and masking all of them leaves the reference's map as it is."""
    torch.manual_seed(0)
    fusion = {"type": "MultiModalAttention", "reduction_ratio": 2}
    backbone = MultiModalMSAVGG(
        depth=11, base_channels=8, num_stages=2, fusion=fusion, zero_init=False
    ).eval()
    model = nn.Module()
    model.backbone = backbone
    gates = channel_gates(model)
    assert list(gates) == ["2", "2, modality 1", "5", "5, modality 1"]
    everything = {name: range(8 if name.startswith("2") else 16) for name in gates}
    plain = MSAVGG(depth=11, base_channels=8, num_stages=2, attention=None).eval()
    plain.load_state_dict(backbone.state_dict(), strict=False)
    x = torch.randn(1, 4, 32, 32)
    with torch.no_grad(), masked(gates, everything):
        outputs = backbone(x)
    assert all(
        torch.equal(y, expected) for y, expected in zip(outputs, plain(x[:, :3]), strict=True)
    )
    with torch.no_grad():
        assert not torch.equal(backbone(x)[0], outputs[0])
