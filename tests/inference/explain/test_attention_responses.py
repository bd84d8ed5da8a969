"""What attention computes on an image, against its own parts; what moves, moves in the maps."""

import pytest
import torch

from msa_backbone import MSAVGG, MultiModalMSAVGG
from msa_backbone.inference.explain.attention_responses import attention_responses


def build(**attention) -> MSAVGG:
    torch.manual_seed(0)
    cfg = {"type": "MultiScaleAttention", "reduction_ratio": 2, **attention}
    return MSAVGG(depth=11, base_channels=8, num_stages=3, attention=cfg, zero_init=False).eval()


def test_responses_are_those_of_the_modules_parts():
    backbone, x = build(), torch.randn(2, 3, 48, 64)
    seen = {}
    module = backbone.attentions["5"]
    handle = module.register_forward_hook(lambda m, inputs, y: seen.update(x=inputs[0], y=y))
    with torch.no_grad():
        backbone(x)
    handle.remove()
    responses = attention_responses(backbone, x)
    assert list(responses) == ["2", "5", "10"]
    own, features = responses["5"], seen["x"]
    with torch.no_grad():
        for name, conv in (("1x1", "conv1x1"), ("3x3", "conv3x3"), ("5x5", "conv5x5")):
            expected = getattr(module, conv)(features).abs().mean(1)
            assert (own.scales[name] - expected).abs().max() < 1e-6
        branches = [conv(features) for conv in (module.conv1x1, module.conv3x3, module.conv5x5)]
        assert torch.equal(module.scales(features), torch.cat(branches, dim=1))
        assert torch.equal(own.spatial, module.spatial_weights(features))
        assert torch.equal(own.channel, module.channel_weights(features).flatten(1))
    assert (own.change - (seen["y"] - features).norm(dim=1)).abs().max() < 1e-5
    assert not any(m._forward_hooks for m in backbone.modules())


def test_what_is_not_there_is_not_shown():
    responses = attention_responses(build(channel=False, spatial=False), torch.randn(1, 3, 32, 32))
    assert responses["2"].spatial is None and responses["2"].channel is None
    assert set(responses["2"].scales) == {"1x1", "3x3", "5x5"}
    torch.manual_seed(0)
    attention = {"type": "LinearAttention", "num_heads": 1}
    backbone = MSAVGG(depth=11, base_channels=8, attention=attention, zero_init=False)
    (own, *_) = attention_responses(backbone, torch.randn(1, 3, 64, 64)).values()
    assert not own.scales and own.change.max() > 0
    with pytest.raises(ValueError, match="no attention to look at"):
        attention_responses(MSAVGG(attention=None), torch.randn(1, 3, 32, 32))


def two_cameras(**fusion) -> MultiModalMSAVGG:
    torch.manual_seed(0)
    cfg = {"type": "MultiModalAttention", "reduction_ratio": 2, **fusion}
    options = {"in_channels": (3, 1), "depth": 11, "base_channels": 8, "num_stages": 3}
    return MultiModalMSAVGG(fusion=cfg, zero_init=False, **options).eval()


@pytest.mark.parametrize("pass_through", [False, True])
def test_of_several_cameras_each_ones_gates_and_what_it_adds(pass_through):
    backbone, x = two_cameras(pass_through=pass_through), torch.randn(2, 4, 48, 64)
    x[1, 3:] = 0  # absent
    seen, fusion = {}, backbone.attentions["5"]
    handle = fusion.register_forward_hook(
        lambda m, maps, options, y: seen.update(maps=maps, y=y, **options), with_kwargs=True
    )
    with torch.no_grad():
        backbone(x)
    handle.remove()
    response = attention_responses(backbone, x)["5"]
    assert not response.scales and response.spatial is None and response.channel is None
    visible, infrared = response.modalities
    with torch.no_grad():
        gates = fusion.modality_gates(*seen["maps"], present=seen["present"])
        for own, (channel, spatial) in zip(response.modalities, gates, strict=True):
            assert torch.equal(own.spatial, spatial)
            assert torch.equal(own.channel, channel.flatten(1))
        # Without the visible term the rest of y - x is the infrared one.
        features = fusion.multi_scale_features(seen["maps"][0]) * gates[0][0] * gates[0][1]
        rest = seen["y"] - seen["maps"][0] - features
    assert (visible.added - features.norm(dim=1)).abs().max() < 1e-5
    assert (infrared.added - rest.norm(dim=1)).abs().max() < 1e-5
    assert infrared.added[0].min() > 0 and not infrared.added[1].any()
    assert (response.change[1] - visible.added[1]).abs().max() < 1e-5
    assert not any(m._forward_hooks for m in backbone.modules())


def test_other_fusions_show_what_is_added():
    torch.manual_seed(0)
    backbone = MultiModalMSAVGG(depth=11, base_channels=8, num_stages=3, fusion="sum").eval()
    x = torch.randn(1, 4, 32, 32)
    response = attention_responses(backbone, x)["2"]
    assert not response.modalities and response.change.max() > 0
    switched_off = two_cameras(channel=False, spatial=False)
    for own in attention_responses(switched_off, x)["2"].modalities:
        assert own.spatial is None and own.channel is None and own.added.max() > 0


def centre(values: torch.Tensor) -> tuple[float, float]:
    """Centre of mass of what stands out from a map, in shares of its height and width."""
    values = (values - values.median()).abs()
    total = values.sum()
    rows = (torch.arange(values.shape[0]) + 0.5) / values.shape[0]
    columns = (torch.arange(values.shape[1]) + 0.5) / values.shape[1]
    return float((values.sum(1) @ rows) / total), float((values.sum(0) @ columns) / total)


def test_the_maps_follow_an_object():
    backbone = build()
    centres = {}
    for place, (top, left) in {"first": (16, 16), "second": (64, 128)}.items():
        x = torch.zeros(1, 3, 96, 192)
        generator = torch.Generator().manual_seed(1)
        x[..., top : top + 24, left : left + 24] = 3 + torch.randn(
            1, 3, 24, 24, generator=generator
        )
        own = attention_responses(backbone, x)["5"]
        for name, values in {
            **own.scales,
            "spatial": own.spatial[:, 0],
            "change": own.change,
        }.items():
            # The border answers to padding wherever the object is.
            centres[place, name] = centre(values[0, 2:-2, 2:-2])
    for name in ("1x1", "3x3", "5x5", "spatial", "change"):
        rows, columns = (
            centres["second", name][axis] - centres["first", name][axis] for axis in (0, 1)
        )
        # It went half of the height down and 58 % of the width to the right.
        assert 0.25 < rows < 0.75 and 0.3 < columns < 0.85, (name, rows, columns)
