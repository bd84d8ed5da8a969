"""The backbone against torchvision's VGG: outputs, published shapes, positions, arguments."""

import dataclasses
import inspect
import itertools

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from references import multi_scale_attention, randomise, stage_outputs, vgg_features
from torch import nn

from msa_backbone import MSAVGG

KAIMING = {"type": "Kaiming", "layer": "Conv2d"}
BN = {"type": "BN"}


def small(**options) -> MSAVGG:
    """A backbone a quarter as wide as VGG."""
    torch.manual_seed(0)
    return MSAVGG(**{"base_channels": 16, **options})


def initialised(how: str, **options) -> MSAVGG:
    """After `init_weights()`, of itself or of a parent module."""
    if how == "parent":
        parent = BaseModule(init_cfg=KAIMING)
        parent.backbone = MODELS.build({"type": "MSAVGG", "base_channels": 16, **options})
        parent.init_weights()
        return parent.backbone
    backbone = small(init_cfg=KAIMING if how == "kaiming" else None, **options)
    backbone.init_weights()
    return backbone


@pytest.mark.parametrize("how", ["plain", "kaiming", "parent"])
@pytest.mark.parametrize("before_pool", [False, True])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_starts_as_torchvisions_vgg(depth, batch_norm, before_pool, how):
    features = vgg_features(depth, batch_norm, narrow=4)
    backbone = initialised(
        how, depth=depth, norm_cfg=BN if batch_norm else None, out_before_pool=before_pool
    ).eval()
    assert len(backbone.attentions) == 5
    names = backbone.features.state_dict()
    backbone.features.load_state_dict({n: features.state_dict()[n] for n in names})
    x = torch.randn(2, 3, 64, 48)
    expected = stage_outputs(features, x, before_pool)
    for y, plain in zip(backbone(x), expected, strict=True):
        assert plain.std() > 1e-3
        assert torch.equal(y, plain)
    backbone.to(memory_format=torch.channels_last)
    for y, plain in zip(backbone(x.to(memory_format=torch.channels_last)), expected, strict=True):
        assert (y - plain).abs().max() <= 1e-5 * plain.abs().max()


@pytest.mark.parametrize("batch_norm", [False, True])
def test_starts_as_torchvisions_vgg16_at_full_width(batch_norm):
    features = vgg_features(16, batch_norm)
    backbone = MSAVGG(norm_cfg=BN if batch_norm else None, init_cfg=KAIMING)
    backbone.init_weights()
    names = backbone.eval().features.state_dict()
    backbone.features.load_state_dict({n: features.state_dict()[n] for n in names})
    x = torch.randn(1, 3, 64, 96)
    for y, plain in zip(backbone(x), stage_outputs(features, x), strict=True):
        assert torch.equal(y, plain)


@pytest.mark.parametrize("how", ["plain", "kaiming"])
@pytest.mark.parametrize(("kind", "gain"), [("DCN", 1.0), ("DCNv2", 0.5)])
def test_deformable_convolutions_start_on_the_regular_grid(kind, gain, how):
    """DCNv2 weights each sample with sigmoid(0)."""
    pytest.importorskip("mmcv.ops")
    conv_cfg = {"type": kind, "bias": False}
    backbone = initialised(how, num_stages=1, attention=None, conv_cfg=conv_cfg)
    x = torch.randn(1, 3, 12, 10)
    y = x
    for layer in backbone.features:
        is_conv = hasattr(layer, "conv_offset")
        y = gain * nn.functional.conv2d(y, layer.weight, padding=1) if is_conv else layer(y)
    assert y.std() > 1e-3
    assert (backbone(x)[0] - y).abs().max() < 1e-5


EVERY_CHOICE = [c for k in range(1, 6) for c in itertools.combinations(range(5), k)]


@pytest.mark.parametrize("out_indices", [None, *EVERY_CHOICE], ids=str)
@pytest.mark.parametrize("before_pool", [False, True])
@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_published_channels_and_strides_are_the_outputs(depth, before_pool, out_indices):
    backbone = small(depth=depth, out_before_pool=before_pool, out_indices=out_indices)
    outputs = backbone(torch.rand(1, 3, 64, 96))
    indices = out_indices or range(5)
    assert backbone.out_strides == tuple(2 ** (i if before_pool else i + 1) for i in indices)
    for y, channels, stride in zip(
        outputs, backbone.out_channels, backbone.out_strides, strict=True
    ):
        assert y.shape == (1, channels, 64 // stride, 96 // stride)
    features = vgg_features(depth, narrow=4)
    last = stage_outputs(features, torch.rand(1, 3, 64, 96), before_pool)[max(indices)]
    assert last.shape == outputs[-1].shape
    pools = [i for i, m in enumerate(features) if isinstance(m, nn.MaxPool2d)]
    assert len(backbone.features) == pools[max(indices)] + (0 if before_pool else 1)
    assert len(backbone.attentions) == max(indices) + 1


@pytest.mark.parametrize(
    ("strides", "before_pool", "expected"),
    [((2, 2, 2, 1, 1), False, (2, 4, 8, 8, 8)), ((2, 1, 2, 2, 2), True, (1, 2, 2, 4, 8))],
)
def test_pool_strides_of_one_keep_the_size(strides, before_pool, expected):
    dilations = (1, 1, 1, 1, 2)
    backbone = small(pool_strides=strides, out_before_pool=before_pool, dilations=dilations)
    assert backbone.out_strides == expected
    assert [y.shape[-1] for y in backbone(torch.rand(1, 3, 32, 64))] == [64 // s for s in expected]
    convs = [m for m in backbone.features if isinstance(m, nn.Conv2d)]
    assert [m.dilation[0] for m in convs] == [1] * 10 + [2] * 3


@pytest.mark.parametrize(
    ("ceil_mode", "sizes"), [(False, [18, 9, 4, 2, 1]), (True, [19, 10, 5, 3, 2])]
)
def test_ceil_mode_rounds_odd_sizes_up(ceil_mode, sizes):
    assert [y.shape[2] for y in small(ceil_mode=ceil_mode)(torch.rand(1, 3, 37, 32))] == sizes


def walked(backbone: MSAVGG, x: torch.Tensor, positions: tuple[int, ...]) -> torch.Tensor:
    """Last output by the plain numbering: conv (with its norm), activation and pool count."""
    state, position = backbone.state_dict(), -1
    layers = list(backbone.features)
    for index, layer in enumerate(layers):
        x = layer(x)
        position += not isinstance(layer, nn.BatchNorm2d)
        followed_by_norm = isinstance(layers[min(index + 1, len(layers) - 1)], nn.BatchNorm2d)
        if position in positions and not followed_by_norm:
            prefix = f"attentions.{position}."
            weights = {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}
            x = multi_scale_attention(weights, x)
    return x


@pytest.mark.parametrize("norm_cfg", [None, BN])
@pytest.mark.parametrize(
    ("depth", "before_pool", "positions", "expected"),
    [
        (16, False, None, (4, 9, 16, 23, 30)),
        (16, True, None, (3, 8, 15, 22, 29)),
        (16, True, "pool", (4, 9, 16, 23)),
        (16, False, "conv", (2, 7, 14, 21, 28)),
        (16, False, (9, 0, 12, 1), (0, 1, 9, 12)),
        (19, False, "relu", (3, 8, 17, 26, 35)),
        (11, True, [0, 19], (0, 19)),
        (13, False, (), ()),
    ],
)
def test_attention_runs_at_its_positions(depth, before_pool, positions, expected, norm_cfg):
    backbone = small(
        depth=depth,
        norm_cfg=norm_cfg,
        out_before_pool=before_pool,
        attention_positions=positions,
        zero_init=False,
    ).eval()
    randomise(backbone)
    assert [int(name) for name in backbone.attentions] == list(expected)
    x = torch.randn(1, 3, 64, 32)
    y, reference = backbone(x)[-1], walked(backbone, x, expected)
    assert (y - reference).abs().max() <= 1e-5 * reference.abs().max()
    if expected:
        assert not torch.allclose(y, walked(backbone, x, expected[1:]), rtol=1e-3)


def test_positions_shift_with_norm_layers():
    seen = []
    backbone = small(norm_cfg=BN, attention_positions=(4,), zero_init=False)
    backbone.features[6].register_forward_hook(lambda m, args, y: seen.append(y))
    backbone.attentions["4"].register_forward_hook(lambda m, args, y: seen.extend([args[0], y]))
    backbone.features[7].register_forward_hook(lambda m, args, y: seen.append(args[0]))
    backbone(torch.rand(1, 3, 32, 32))
    assert isinstance(backbone.features[6], nn.MaxPool2d)
    assert seen[0] is seen[1] and seen[2] is seen[3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 17}, r"depth=17 .*11, 13, 16, 19"),
        ({"num_stages": 6}, r"num_stages=6 .*1 to 5"),
        ({"num_stages": 0}, r"num_stages=0 .*1 to 5"),
        ({"out_indices": (5,)}, r"out_indices=\(5,\) .*0 to 4"),
        ({"out_indices": (-1,)}, r"out_indices=\(-1,\) .*0 to 4"),
        ({"out_indices": ()}, r"out_indices=\(\) .*0 to 4"),
        ({"out_indices": (3, 1)}, r"out_indices=\(3, 1\) .*ascending"),
        ({"out_indices": (1, 1)}, r"out_indices=\(1, 1\) .*each once"),
        ({"out_indices": (3,), "num_stages": 3}, r"out_indices=\(3,\) .*0 to 2"),
        ({"frozen_stages": 6}, r"frozen_stages=6 .*0 to 5"),
        ({"frozen_stages": -2}, r"frozen_stages=-2 .*0 to 5"),
        ({"frozen_stages": 2, "out_indices": (0,)}, r"frozen_stages=2 .*0 to 1"),
        ({"dilations": (1, 1)}, r"dilations=\(1, 1\) is too short.*5 stages"),
        ({"pool_strides": (2, 2, 2, 2, 3)}, r"pool_strides=.*3\) .*1 or 2"),
        ({"with_cp": (True,)}, r"with_cp=\(True,\) is too short"),
        ({"dilations": 1}, r"dilations=1 does not fit: one value for each of 5 stages"),
        ({"pool_strides": 2}, r"pool_strides=2 does not fit: one value for each of 5 stages"),
        ({"with_cp": 1}, r"with_cp=1 does not fit: one value for each of 5 stages"),
        ({"act_cfg": None}, r"act_cfg=None lacks its 'type': give dict\(type=\.\.\.\)"),
        ({"out_indices": 4}, r"out_indices=4 is no list of numbers: write \[4\]"),
        ({"attention_positions": 4}, r"attention_positions=4 is no list of numbers: write \[4\]"),
        ({"frozen_stages": None}, r"frozen_stages=None does not fit: choose 0 to 5"),
        (
            {"attention_positions": "pool", "out_indices": (0,), "out_before_pool": True},
            r"attention_positions='pool' lies past the last output, layer 3",
        ),
        ({"attention_positions": (31,)}, r"31 does not exist"),
        ({"attention_positions": (4, 16), "out_indices": (1,)}, r"16 lies past .*layer 9"),
        ({"attention_positions": "block"}, r"'block' is unknown"),
        ({"attention": None, "attention_positions": "pool"}, r"attention=None"),
        ({"attention": {"type": "MSA"}}, r"attention type 'MSA' is unknown"),
        (
            {"attention": {"type": "MultiScaleAttention", "reduction_ration": 8}},
            r"did you mean 'reduction_ratio'",
        ),
        ({"base_channels": 8}, r"reduction_ratio=16 .*in_channels=8"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_the_choices(options, message):
    with pytest.raises(ValueError, match=message) as caught:
        small(**options)
    assert "\n" not in str(caught.value)


CHANGES = {
    "depth": 13,
    "in_channels": 4,
    "base_channels": 32,
    "num_stages": 3,
    "out_indices": (1, 3),
    "out_before_pool": True,
    "frozen_stages": 1,
    "conv_cfg": {"type": "Conv2d", "padding_mode": "reflect"},
    "norm_cfg": {"type": "IN", "affine": True},
    "act_cfg": {"type": "LeakyReLU"},
    "norm_eval": True,
    "ceil_mode": True,
    "dilations": (1, 1, 1, 2, 2),
    "pool_strides": (2, 2, 2, 2, 1),
    "with_cp": (True, False, False, False, False),
    "attention": {"type": "MultiScaleAttention", "reduction_ratio": 8},
    "attention_positions": (4, 9),
    "zero_init": True,
    "init_cfg": {"type": "Normal", "std": 0.02, "layer": "Conv2d"},
}


def fingerprint(**options) -> list:
    """What a user could notice: parameters, outputs, statistics, freezing, recomputation."""
    backbone = small(**{"norm_cfg": BN, "zero_init": False, **options})
    torch.manual_seed(1)
    backbone.init_weights()
    calls = []
    backbone.features[0].register_forward_hook(lambda *_: calls.append(1))
    outputs = backbone.train()(torch.rand(2, options.get("in_channels", 3), 75, 75))
    sum(y.sum() for y in outputs).backward()
    tensors = [(n, t.shape, t.double().sum().item()) for n, t in backbone.state_dict().items()]
    learning = [n for n, p in backbone.named_parameters() if p.grad is not None]
    return [tensors, learning, [(y.shape, y.sum().item()) for y in outputs], len(calls)]


def test_every_argument_changes_something():
    assert set(CHANGES) == set(inspect.signature(MSAVGG).parameters)
    base = fingerprint()
    assert base == fingerprint()
    for name, value in CHANGES.items():
        assert fingerprint(**{name: value}) != base, name


def test_a_seed_gives_the_same_network_with_and_without_attention():
    """And what is drawn afterwards, such as a head, is the same too; attention differs by place."""
    models, after = [], []
    for attention in (None, {"type": "MultiScaleAttention", "reduction_ratio": 4}):
        torch.manual_seed(3)
        models.append(MSAVGG(base_channels=8, attention=attention))
        after.append(torch.rand(4))
    plain, attended = (model.state_dict() for model in models)
    assert all(torch.equal(tensor, attended[name]) for name, tensor in plain.items())
    assert torch.equal(*after)
    first, second = models[1].attentions["23"], models[1].attentions["30"]
    assert not torch.equal(first.conv3x3.weight, second.conv3x3.weight)


def test_attention_in_succession_starts_differently():
    """Nothing is drawn between position 3 and 4. The first of them starts as it does alone."""
    attention = {"type": "MultiScaleAttention", "reduction_ratio": 4}
    first, second = small(attention=attention, attention_positions=(3, 4)).attentions.values()
    assert not torch.equal(first.conv5x5.weight, second.conv5x5.weight)
    alone = small(attention=attention, attention_positions=(3,)).attentions["3"]
    assert torch.equal(first.conv5x5.weight, alone.conv5x5.weight)


@pytest.mark.parametrize("before_pool", [False, True])
@pytest.mark.parametrize("positions", ["conv", "relu", "pool", (1, 4, 5, 10)])
def test_stages_say_what_runs_and_what_comes_out(positions, before_pool):
    backbone = small(
        norm_cfg=BN, pool_strides=(2, 2, 1, 2, 2), attention_positions=positions,
        out_before_pool=before_pool,
    )  # fmt: skip
    ran = []
    for name, module in backbone.named_modules():
        if name.count(".") == 1:  # a layer, or an attention module
            module.register_forward_hook(lambda *_, name=name: ran.append(name))
    outputs = backbone(torch.randn(1, 3, 64, 96))
    assert ran == [name for stage in backbone.stages for name in stage.modules]
    for stage, y in zip(backbone.stages, outputs, strict=True):
        assert y.shape == (1, stage.channels, 64 // stage.stride, 96 // stage.stride)
    with pytest.raises(dataclasses.FrozenInstanceError):
        backbone.stages[0].stride = 1
