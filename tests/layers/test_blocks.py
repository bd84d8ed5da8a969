"""Layers built from OpenMMLab-style dicts, and the messages for dicts that do not fit."""

import pytest
import torch
from torch import nn

from msa_backbone.layers.attention_builder import check_attention_options
from msa_backbone.layers.blocks import build_activation, build_conv3x3, build_norm


@pytest.mark.parametrize("cfg", [None, {"type": "Conv2d"}, {"type": "Conv"}, {"type": nn.Conv2d}])
@pytest.mark.parametrize("dilation", [1, 3])
def test_convolution_keeps_the_size(cfg, dilation):
    conv = build_conv3x3(cfg, 4, 6, dilation)
    assert type(conv) is nn.Conv2d and conv.dilation == (dilation, dilation)
    assert conv(torch.zeros(1, 4, 7, 9)).shape == (1, 6, 7, 9)
    assert conv.bias is not None


def test_convolution_passes_its_options_on():
    conv = build_conv3x3({"type": "Conv2d", "bias": False, "padding_mode": "reflect"}, 4, 4, 1)
    assert conv.bias is None and conv.padding_mode == "reflect"


@pytest.mark.parametrize(
    ("cfg", "cls"),
    [
        ({"type": "BN", "eps": 0.5}, nn.BatchNorm2d),
        ({"type": "SyncBN", "eps": 0.5}, nn.SyncBatchNorm),
        ({"type": "IN", "eps": 0.5}, nn.InstanceNorm2d),
        ({"type": "GN", "eps": 0.5, "num_groups": 2}, nn.GroupNorm),
    ],
)
def test_norms_take_their_options(cfg, cls):
    norm = build_norm(cfg, 8)
    assert type(norm) is cls and norm.eps == 0.5
    assert getattr(norm, "num_features", 8) == 8
    assert "requires_grad" not in cfg


def test_norm_affine_part_can_be_frozen():
    assert all(p.requires_grad for p in build_norm({"type": "BN"}, 4).parameters())
    frozen = list(build_norm({"type": "BN", "requires_grad": False}, 4).parameters())
    assert len(frozen) == 2 and not any(p.requires_grad for p in frozen)


@pytest.mark.parametrize(
    ("kind", "value"), [("ReLU", 0.0), ("LeakyReLU", -0.01), ("ELU", -0.6321), ("PReLU", -0.25)]
)
def test_activations_and_their_place_in_memory(kind, value):
    activation, x = build_activation({"type": kind}), torch.tensor([-1.0])
    assert activation(x).item() == pytest.approx(value, abs=1e-4)
    assert x.item() == pytest.approx(-1.0 if kind == "PReLU" else value, abs=1e-4)
    kept = torch.tensor([-1.0])
    if kind != "PReLU":
        build_activation({"type": kind, "inplace": False})(kept)
        assert kept.item() == -1.0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: build_conv3x3({"type": "Konv"}, 1, 1, 1), r"conv_cfg type 'Konv'.*Conv2d"),
        (lambda: build_norm({"type": "BatchNorm"}, 1), r"norm_cfg type 'BatchNorm'.*SyncBN"),
        (lambda: build_activation({"type": "relu"}), r"act_cfg type 'relu'.*ReLU"),
        (lambda: build_norm({"eps": 1e-3}, 1), r"norm_cfg=.*lacks its 'type'"),
        (lambda: build_norm({"type": "GN"}, 1), r"lacks num_groups"),
        (lambda: check_attention_options({"type": "NoSuch"}), r"attention type 'NoSuch'"),
        (lambda: check_attention_options({"strength": 1}), r"attention=.*lacks its 'type'"),
        (
            lambda: check_attention_options({"type": "MultiScaleAttention", "reduction_ration": 8}),
            r"'reduction_ration' .*did you mean 'reduction_ratio'\?",
        ),
        (
            lambda: check_attention_options({"type": "MultiScaleAttention", "zzz": 8}),
            r"'zzz' does not belong to MultiScaleAttention: options: reduction_ratio, channel",
        ),
        (
            lambda: check_attention_options({"type": "MultiScaleAttention", "zero_init": True}),
            r"'zero_init' .*the backbone sets it",
        ),
    ],
)
def test_a_wrong_dict_names_the_value_and_the_choices(build, message):
    with pytest.raises(ValueError, match=message) as caught:
        build()
    assert "\n" not in str(caught.value)
