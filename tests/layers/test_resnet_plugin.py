"""Multi-Scale Attention as an mmcv plugin in the bottlenecks of mmdet's ResNet."""

import pytest
import torch

pytest.importorskip("mmdet")
from mmengine.registry import MODELS, init_default_scope

from msa_backbone import MSAVGG, MultiScaleAttention

PLUGIN = {
    "cfg": {"type": "MultiScaleAttention", "reduction_ratio": 16},
    "stages": (False, True, True, True),
    "position": "after_conv3",
}


def build(**options):
    init_default_scope("mmdet")
    torch.manual_seed(0)
    return MODELS.build({"type": "mmdet.ResNet", "depth": 50, "base_channels": 8, **options})


def test_plugin_sits_in_the_bottlenecks_and_starts_as_plain_resnet():
    import mmdet.models  # noqa: F401  (registers ResNet)

    plain, attended = build(), build(plugins=[PLUGIN])
    plain.init_weights()
    attended.init_weights()
    plugins = {n: m for n, m in attended.named_modules() if isinstance(m, MultiScaleAttention)}
    assert len(plugins) == 4 + 6 + 3 and not any(name.startswith("layer1") for name in plugins)
    missing = attended.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert {name.split(".multi_scale_attention")[0] for name in missing} == {
        name.split(".multi_scale_attention")[0] for name in plugins
    }
    x = torch.randn(2, 3, 64, 96)
    attended.eval(), plain.eval()  # mmdet's return no model
    for found, expected in zip(attended(x), plain(x), strict=True):
        assert torch.equal(found, expected)

    # mmdet starts a bottleneck's last norm at zero: the plugin gets zeros until that has moved.
    attended.train()
    optimizer = torch.optim.SGD(attended.parameters(), lr=0.1)
    for part in ("bias", "weight"):
        optimizer.zero_grad()
        sum(y.square().mean() for y in attended(x)).backward()
        for name, module in plugins.items():
            assert getattr(module.fusion_conv, part).grad.any(), name
        optimizer.step()


def test_mmcvs_context_block_in_our_backbone_starts_as_plain_vgg_and_learns():
    import mmdet.models  # noqa: F401  (mmcv registers ContextBlock)

    torch.manual_seed(0)
    attention = {"type": "ContextBlock", "ratio": 1 / 4}
    backbone = MODELS.build({"type": "MSAVGG", "base_channels": 8, "attention": attention})
    backbone.init_weights()
    x = torch.randn(2, 3, 64, 64)
    optimizer = torch.optim.SGD(backbone.parameters(), lr=0.1)
    start = {name: p.clone() for name, p in backbone.attentions.named_parameters()}
    plain = MSAVGG(base_channels=8, attention=None)
    plain.load_state_dict(backbone.state_dict(), strict=False)
    with torch.no_grad():
        for found, expected in zip(backbone(x), plain(x), strict=True):
            assert torch.equal(found, expected)
    for _ in range(3):
        optimizer.zero_grad()
        sum(y.square().mean() for y in backbone(x)).backward()
        optimizer.step()
    for name, parameter in backbone.attentions.named_parameters():
        # A bias of the softmax over locations changes nothing, and so has next to no gradient.
        moved = (parameter - start[name]).abs().max()
        assert (moved < 1e-9) == name.endswith("conv_mask.bias"), name
