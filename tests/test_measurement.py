"""Arithmetic counted by torch against formulas written out, and costs of backbones side by side."""

import pytest
import torch
from torch import nn

from msa_backbone import MSAVGG
from msa_backbone.benchmark import compare_backbones
from msa_backbone.layers import (
    AxialAttention,
    DeformableMultiScaleAttention,
    GroupedMultiScaleAttention,
    LinearAttention,
    MultiScaleAttention,
    SelectiveMultiScaleAttention,
)
from msa_backbone.measurement import count_flops

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
