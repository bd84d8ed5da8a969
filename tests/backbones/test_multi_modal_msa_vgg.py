"""The backbone for several modalities: its streams, what it computes, absence, weights."""

import copy
import inspect
import itertools
import pickle

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from references import multi_modal_attention, multi_modal_vgg, randomise, vgg_features
from torch import Tensor, nn

from msa_backbone import MSAVGG
from msa_backbone.backbones import MultiModalMSAVGG
from msa_backbone.openmmlab.hooks.attention_ratio_hook import (
    AttentionRatioHook,
    backbones_with_attention,
)

KAIMING = {"type": "Kaiming", "layer": "Conv2d"}
BN = {"type": "BN"}
ATTENTION = {"type": "MultiModalAttention", "reduction_ratio": 4}
FUSIONS = [{**ATTENTION, "pass_through": True}, "sum", "concat", "se", "cbam", None]


def small(**options) -> MultiModalMSAVGG:
    torch.manual_seed(0)
    return MultiModalMSAVGG(**{"base_channels": 16, "fusion": ATTENTION, **options})


def pictures(channels: int = 4, samples: int = 2, size=(64, 32), seed: int = 1) -> Tensor:
    return torch.randn(samples, channels, *size, generator=torch.Generator().manual_seed(seed))


def single(**options) -> MSAVGG:
    return MSAVGG(**{"base_channels": 16, "attention": None, **options})


POSITIONS = [
    (None, (4, 9, 16, 23, 30)),
    ("relu", (3, 8, 15, 22, 29)),
    ("conv", (2, 7, 14, 21, 28)),
    ((9, 0, 12, 1), (0, 1, 9, 12)),
]


@pytest.mark.parametrize("flags", [None, [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]], ids=["all", "some"])
@pytest.mark.parametrize(("positions", "expected"), POSITIONS)
@pytest.mark.parametrize("widths", [(16, 16, 16), (16, 4, 8)])
def test_equals_the_formula_layer_by_layer(widths, positions, expected, flags):
    backbone = small(
        in_channels=(3, 1, 2), base_channels=widths, attention_positions=positions,
        fusion={**ATTENTION, "pass_through": True}, zero_init=False,
    ).double()  # fmt: skip
    randomise(backbone)
    assert tuple(map(int, backbone.attentions)) == expected
    state, x = backbone.state_dict(), pictures(6).double()
    flags_or_ones = flags or [[1.0] * 3] * 2
    shown = [
        torch.stack([flags_or_ones[n][m] * part[n] for n in range(2)])
        for m, part in enumerate(x.split((3, 1, 2), dim=1))
    ]

    def fuse(position: int, maps: list[Tensor]) -> Tensor:
        prefix = f"attentions.{position}."
        weights = {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}
        return multi_modal_attention(weights, maps, pass_through=True, present=flags)

    present = None if flags is None else torch.tensor(flags)
    for y, formula in zip(
        backbone(x, present), multi_modal_vgg(state, shown, expected, fuse), strict=True
    ):
        assert formula.std() > 1e-3
        assert (y - formula).abs().max() <= 1e-10 * formula.abs().max()


@pytest.mark.parametrize("positions", ["pool", "conv", (1, 4)])
@pytest.mark.parametrize("norm_cfg", [None, BN])
def test_one_modality_is_msavgg(norm_cfg, positions):
    options = {"norm_cfg": norm_cfg, "attention_positions": positions, "zero_init": False}
    plain = single(attention={"type": "MultiScaleAttention", "reduction_ratio": 4}, **options)
    randomise(plain)
    backbone = small(in_channels=(3,), **options)
    backbone.load_state_dict(plain.state_dict())
    x = pictures(3)
    for y, expected in zip(backbone.eval()(x), plain.eval()(x), strict=True):
        assert torch.equal(y, expected)


@pytest.mark.parametrize("how", ["plain", "kaiming", "parent"])
@pytest.mark.parametrize("fusion", [f for f in FUSIONS if f not in ("sum", None)], ids=str)
def test_starts_as_the_reference_alone(fusion, how):
    backbone = small(fusion=fusion, init_cfg=KAIMING if how == "kaiming" else None)
    if how == "parent":
        parent = BaseModule(init_cfg=KAIMING)
        parent.backbone = backbone
        parent.init_weights()
    elif how == "kaiming":
        backbone.init_weights()
    features = vgg_features(16, narrow=4).state_dict()
    backbone.features.load_state_dict(features)
    alone = single()
    alone.features.load_state_dict(features)
    x = pictures()
    for y, expected in zip(backbone(x), alone(x[:, :3]), strict=True):
        assert expected.std() > 1e-3
        assert torch.equal(y, expected)


def test_the_plain_sum_is_a_sum_of_two_streams():
    backbone, x = small(fusion=None, attention_positions=(4,), out_indices=(0,)), pictures()
    streams = backbone.features, backbone.streams["1"].features
    y = streams[0](x[:, :3].clone()) + streams[1](x[:, 3:].clone())
    assert torch.equal(backbone(x)[0], y)
    assert type(backbone.attentions["4"]).__name__ == "SumFusion"


@pytest.mark.parametrize("out_indices", [None, (0,), (1, 3)])
@pytest.mark.parametrize("before_pool", [False, True])
@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_published_channels_and_strides_are_the_outputs(depth, before_pool, out_indices):
    options = {"depth": depth, "out_before_pool": before_pool, "out_indices": out_indices}
    backbone = small(base_channels=(16, 8), norm_cfg=BN, **options)
    alone = single(norm_cfg=BN, **options)
    assert backbone.out_channels == alone.out_channels
    assert backbone.out_strides == alone.out_strides
    outputs = backbone(pictures(size=(64, 96)))
    assert len(outputs) == len(out_indices or range(5))
    for y, channels, stride in zip(
        outputs, backbone.out_channels, backbone.out_strides, strict=True
    ):
        assert y.shape == (2, channels, 64 // stride, 96 // stride)


@pytest.mark.parametrize("norm_cfg", [None, BN])
@pytest.mark.parametrize("positions", ["pool", "conv", (4, 7)])
def test_streams_have_the_references_layers_up_to_the_last_fusion(positions, norm_cfg):
    backbone = small(in_channels=(3, 1, 2), attention_positions=positions, norm_cfg=norm_cfg)
    reference = vgg_features(16, norm_cfg is not None, narrow=4)
    assert list(backbone.features.state_dict()) == list(reference.state_dict())
    ran = []
    for name, module in backbone.named_modules():
        if name.split(".")[-2:-1] == ["features"] or name in [
            f"attentions.{p}" for p in backbone.attentions
        ]:
            module.register_forward_hook(lambda *_, name=name: ran.append(name))
    backbone(pictures(6))
    last = f"attentions.{list(backbone.attentions)[-1]}"
    fused = ran[: ran.index(last)]
    layers = [name for name in fused if name.startswith("features")]
    for modality in ("1", "2"):
        stream = backbone.streams[modality].features
        assert [n for n in ran if n.startswith(f"streams.{modality}.")] == [
            f"streams.{modality}.{name}" for name in layers
        ]
        assert [type(m) for m in stream] == [type(m) for m in reference[: len(layers)]]
    names = [name for stage in backbone.stages for name in stage.modules]
    assert [name for name in ran if not name.startswith("streams")] == names


def gradients(backbone: MultiModalMSAVGG, x: Tensor, present=None) -> dict[str, Tensor]:
    backbone.zero_grad()
    torch.manual_seed(2)
    outputs = backbone.train()(x, present)
    sum((y * torch.linspace(-1, 1, y.shape[1])[:, None, None]).mean() for y in outputs).backward()
    return {name: parameter.grad for name, parameter in backbone.named_parameters()}


@pytest.mark.parametrize("fusion", FUSIONS, ids=str)
@pytest.mark.parametrize(
    ("before_pool", "out_indices", "positions"),
    [(False, None, None), (True, (1, 3), None), (False, None, "conv"), (False, (2,), (0, 4, 7))],
)
def test_every_parameter_of_every_modality_gets_a_gradient(
    fusion, before_pool, out_indices, positions
):
    backbone = small(
        in_channels=(3, 1, 2), base_channels=(16, 16, 8), norm_cfg=BN, zero_init=False,
        fusion=fusion, attention_positions=positions, out_before_pool=before_pool,
        out_indices=out_indices,
    )  # fmt: skip
    if isinstance(fusion, dict):
        randomise(backbone)
    dead = []
    for name, gradient in gradients(backbone, pictures(6, 4, (64, 64))).items():
        assert gradient is not None and gradient.isfinite().all(), name
        # behind a norm a bias has no effect; hidden units of a gate may be dead altogether
        if not gradient.any() and "gate" not in name and "channel_attention" not in name:
            dead.append(name)
    assert dead == []
    absent = torch.tensor([False, False, False])
    for name, gradient in gradients(backbone, pictures(6, 4, (64, 64)), absent).items():
        assert gradient is not None and gradient.isfinite().all(), name


@pytest.mark.parametrize("norm_cfg", [None, BN])
@pytest.mark.parametrize("positions", ["pool", "conv"])
@pytest.mark.parametrize("with_cp", [True, (False, True, True, False, True)])
def test_checkpointing_changes_neither_gradients_nor_statistics(with_cp, positions, norm_cfg):
    results = []
    for flag in (False, with_cp):
        backbone = small(
            norm_cfg=norm_cfg, with_cp=flag, zero_init=False, attention_positions=positions,
            modality_dropout=0.5,
        )  # fmt: skip
        calls = []
        first_conv = backbone.streams["1"].features[0]
        late_conv = [m for m in backbone.features if isinstance(m, nn.Conv2d)][10]
        for conv in (first_conv, late_conv):
            conv.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        results.append((gradients(backbone, pictures(samples=4)), backbone.state_dict(), calls))
    (plain, plain_state, plain_calls), (checked, state, calls) = results
    assert len(plain_calls) == 2 and len(calls) == (4 if with_cp is True else 3)
    largest = max(gradient.abs().max() for gradient in plain.values())
    for name, gradient in plain.items():
        assert (gradient - checked[name]).abs().max() <= 1e-6 * largest, name
    assert all(torch.equal(tensor, state[name]) for name, tensor in plain_state.items())


CHANGES = {
    "in_channels": (2, 2),
    "depth": 13,
    "base_channels": (16, 8),
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
    "fusion": "concat",
    "exchange": True,
    "attention_positions": (4, 9),
    "modality_dropout": (0.0, 0.9),
    "sensors": (0,),
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
    outputs = backbone.train()(pictures(size=(75, 75)))
    sum(y.sum() for y in outputs).backward()
    tensors = [(n, t.shape, t.double().sum().item()) for n, t in backbone.state_dict().items()]
    learning = [n for n, p in backbone.named_parameters() if p.grad is not None]
    return [tensors, learning, [(y.shape, y.sum().item()) for y in outputs], len(calls)]


def test_every_argument_changes_something():
    assert set(CHANGES) == set(inspect.signature(MultiModalMSAVGG).parameters)
    base = fingerprint()
    assert base == fingerprint()
    for name, value in CHANGES.items():
        assert fingerprint(**{name: value}) != base, name


def test_all_streams_get_the_options_of_layers():
    options = {"norm_cfg": BN, "act_cfg": {"type": "LeakyReLU"}, "pool_strides": (2, 2, 2, 1, 1)}
    options |= {"dilations": (1, 1, 1, 1, 2), "ceil_mode": True, "depth": 11}
    backbone = small(**options)
    layers = zip(backbone.features, backbone.streams["1"].features, strict=True)
    for a, b in itertools.islice(layers, 1, None):
        assert repr(a) == repr(b).replace("inplace=False", "inplace=True")


def train_steps(backbone: MultiModalMSAVGG, steps: int = 3) -> None:
    parameters = [p for p in backbone.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=1e-2, momentum=0.9, weight_decay=1e-2)
    for step in range(steps):
        optimizer.zero_grad()
        outputs = backbone.train()(pictures(samples=4, seed=step))
        sum(y.square().mean() for y in outputs).backward()
        optimizer.step()
        backbone.eval()


@pytest.mark.parametrize("norm_cfg", [None, BN])
@pytest.mark.parametrize("frozen_stages", [0, 2])
def test_frozen_stages_of_all_streams_stay_bit_still_and_the_rest_with_all_fusions_moves(
    frozen_stages, norm_cfg
):
    backbone = small(frozen_stages=frozen_stages, norm_cfg=norm_cfg, zero_init=False)
    randomise(backbone)
    before = copy.deepcopy(backbone.state_dict())
    train_steps(backbone)
    pools = [i for i, m in enumerate(backbone.features) if isinstance(m, nn.MaxPool2d)]
    first_free = pools[frozen_stages - 1] + 1 if frozen_stages else 0
    seen = set()
    for name, value in backbone.state_dict().items():
        kind, index = name.removeprefix("streams.1.").split(".")[:2]
        still = kind != "attentions" and int(index) < first_free
        assert torch.equal(value, before[name]) == still, name
        seen.add((name.split(".")[0], still))
    kinds = {"features", "attentions", "streams"}
    still = {("features", True), ("streams", True)} if frozen_stages else set()
    assert seen == {(kind, False) for kind in kinds} | still


def test_training_mode_and_norm_eval():
    backbone = small(norm_cfg=BN, frozen_stages=1, zero_init=False)
    assert backbone.eval() is backbone and backbone.train() is backbone
    for features in (backbone.features, backbone.streams["1"].features):
        norms = [m.training for m in features if isinstance(m, nn.BatchNorm2d)]
        assert norms == [False] * 2 + [True] * 11
    backbone = small(norm_cfg=BN, norm_eval=True).train()
    assert not any(m.training for m in backbone.modules() if isinstance(m, nn.BatchNorm2d))


def test_fusions_can_be_frozen_for_a_while():
    backbone = small(zero_init=False)
    backbone.train().freeze_attention()
    before = copy.deepcopy(backbone.state_dict())
    train_steps(backbone)
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, before[name]) == name.startswith("attentions."), name
    backbone.freeze_attention(False)
    assert all(p.requires_grad for p in backbone.parameters())


@pytest.mark.parametrize("fusion", FUSIONS, ids=str)
def test_nothing_of_an_absent_modality_comes_through(fusion):
    backbone = small(in_channels=(3, 1, 2), fusion=fusion, zero_init=False).eval()
    randomise(backbone)
    x = pictures(6)
    absent = torch.tensor([[1, 0, 1], [1, 1, 1]])
    outputs = backbone(x, absent)
    changed = x.clone()
    changed[0, 3] = 7
    assert all(map(torch.equal, backbone(changed, absent), outputs))
    zeroed = x.clone()
    zeroed[0, 3] = 0  # which counts as absent where no flags are given
    assert all(map(torch.equal, backbone(zeroed), outputs))
    black = backbone(zeroed, torch.ones(3))
    everything = backbone(x)
    assert not torch.allclose(black[-1][0], outputs[-1][0], rtol=1e-3)
    assert not torch.allclose(everything[-1][0], outputs[-1][0], rtol=1e-3)
    assert torch.allclose(everything[-1][1], outputs[-1][1], rtol=1e-4, atol=1e-5)


def test_sensors_can_be_switched_off_and_on():
    backbone, x = small(in_channels=(3, 1, 2), zero_init=False).eval(), pictures(6)
    assert backbone.sensors == (0, 1, 2)
    everything = backbone(x)
    for sensors in [(0,), (1,), (2, 0)]:
        backbone.sensors = sensors
        flags = torch.tensor([modality in sensors for modality in range(3)])
        outputs = backbone(x)
        backbone.sensors = None
        assert all(map(torch.equal, outputs, backbone(x, flags)))
        built = small(in_channels=(3, 1, 2), zero_init=False, sensors=list(sensors)).eval()
        assert all(map(torch.equal, outputs, built(x)))
        assert not torch.allclose(outputs[-1], everything[-1], rtol=1e-3)
        # what is given as absent stays so
        backbone.sensors = sensors
        alone = backbone(x, torch.tensor([1, 0, 0]))
        backbone.sensors = None
        assert all(map(torch.equal, alone, backbone(x, flags & torch.tensor([1, 0, 0]).bool())))
    with pytest.raises(ValueError, match=r"sensors=1 is no list of numbers"):
        backbone.sensors = 1
    for sensors in [(3,), (), (0, 0), (-1,), ("infrared",)]:
        with pytest.raises(ValueError, match=r"sensors=.*does not fit.* 0 to 2"):
            backbone.sensors = sensors
    assert all(map(torch.equal, backbone(x), everything))


def seen_flags(backbone: MultiModalMSAVGG, x: Tensor, present=None) -> Tensor:
    seen = []
    handle = backbone.attentions["0"].register_forward_hook(
        lambda module, args, options, y: seen.append(options["present"]), with_kwargs=True
    )
    backbone(x, present)
    handle.remove()
    return seen[0]


def test_modality_dropout_draws_each_with_its_probability_and_never_all():
    backbone = small(
        attention_positions=(0,), num_stages=1, fusion="sum", modality_dropout=(0.2, 0.5)
    )
    shown = []
    backbone.streams["1"].features[0].register_forward_hook(
        lambda module, args, y: shown.append(args[0].flatten(1).any(dim=1))
    )
    x, (a, b) = pictures(samples=4000, size=(4, 4)), (0.2, 0.5)
    flags = seen_flags(backbone.train(), x)
    assert torch.equal(shown[0], flags[:, 1])  # zeros go with the flag
    assert flags.any(dim=1).all()
    lost = 1 - flags.double().mean(dim=0)
    for frequency, chance in zip(lost, (a * (1 - b), b * (1 - a)), strict=True):
        assert abs(frequency - chance) < 4 * (chance * (1 - chance) / 4000) ** 0.5
    present = torch.tensor([[1, 0]] * 2000 + [[0, 1]] * 2000)
    assert torch.equal(seen_flags(backbone, x, present), present.bool())
    assert seen_flags(backbone.eval(), x).all()


def test_without_dropout_no_random_number_is_drawn():
    backbone = small().train()
    before = torch.get_rng_state()
    backbone(pictures())
    assert torch.equal(torch.get_rng_state(), before)


def vgg_file(path, batch_norm: bool = False, narrow: int = 4) -> dict[str, Tensor]:
    state = vgg_features(16, batch_norm, narrow).state_dict()
    torch.save({f"features.{name}": tensor for name, tensor in state.items()}, path)
    return state


@pytest.mark.parametrize("norm_cfg", [None, BN])
@pytest.mark.parametrize("positions", [None, (4, 9)])
def test_a_vggs_weights_go_into_every_stream(norm_cfg, positions, tmp_path):
    state = vgg_file(tmp_path / "vgg.pth", norm_cfg is not None)
    init_cfg = [KAIMING, {"type": "Pretrained", "checkpoint": str(tmp_path / "vgg.pth")}]
    backbone = small(
        in_channels=(3, 1, 3), norm_cfg=norm_cfg, attention_positions=positions, init_cfg=init_cfg
    )
    backbone.init_weights()
    for name, tensor in backbone.features.state_dict().items():
        assert torch.equal(tensor, state[name]), name
    for modality in ("1", "2"):
        for name, tensor in backbone.streams[modality].features.state_dict().items():
            expected = state[name]
            if modality == "1" and name == "0.weight":
                expected = expected.sum(dim=1, keepdim=True)  # of equal channels
                assert torch.allclose(tensor, expected, atol=1e-6)
            else:
                assert torch.equal(tensor, expected), name
    alone = single(norm_cfg=norm_cfg).eval()
    alone.features.load_state_dict(state)
    x = pictures(7)
    assert all(map(torch.equal, backbone.eval()(x), alone(x[:, :3])))  # still at the identity


def test_a_trained_detectors_backbone_starts_every_stream(tmp_path):
    """Without its attention, which has other parts than a fusion; with one camera it is kept."""
    trained = single(
        attention={"type": "MultiScaleAttention", "reduction_ratio": 4}, zero_init=False
    )
    state = {f"backbone.{name}": tensor for name, tensor in trained.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "detector.pth")
    init_cfg = {"type": "Pretrained", "checkpoint": str(tmp_path / "detector.pth")}
    backbone = small(init_cfg=init_cfg)
    before = copy.deepcopy(backbone.attentions.state_dict())
    backbone.init_weights()
    for name, tensor in trained.features.state_dict().items():
        assert torch.equal(backbone.features.state_dict()[name], tensor)
        if name != "0.weight":
            assert torch.equal(backbone.streams["1"].features.state_dict()[name], tensor)
    assert all(torch.equal(t, before[n]) for n, t in backbone.attentions.state_dict().items())
    alone = small(in_channels=(3,), init_cfg=init_cfg)
    alone.init_weights()
    for name, tensor in trained.attentions.state_dict().items():
        assert torch.equal(alone.attentions.state_dict()[name], tensor)


def test_a_narrower_stream_keeps_its_start(tmp_path):
    state = vgg_file(tmp_path / "vgg.pth")
    init_cfg = {"type": "Pretrained", "checkpoint": str(tmp_path / "vgg.pth")}
    backbone = small(base_channels=(16, 8), init_cfg=init_cfg)
    before = copy.deepcopy(backbone.streams.state_dict())
    backbone.init_weights()
    assert torch.equal(backbone.features[0].weight, state["0.weight"])
    assert all(torch.equal(t, before[name]) for name, t in backbone.streams.state_dict().items())


@pytest.mark.parametrize("prefix", ["", "backbone."])
def test_a_file_of_a_model_like_this_goes_where_it_came_from(prefix, tmp_path):
    trained = small(in_channels=(3, 1, 2), zero_init=False)
    randomise(trained)
    state = {prefix + name: tensor for name, tensor in trained.state_dict().items()}
    torch.save({"state_dict": {**state, "neck.weight": torch.ones(1)}}, tmp_path / "trained.pth")
    init_cfg = {"type": "Pretrained", "checkpoint": str(tmp_path / "trained.pth")}
    backbone = small(in_channels=(3, 1, 2), init_cfg=init_cfg)
    backbone.init_weights()
    for name, tensor in trained.state_dict().items():
        assert torch.equal(backbone.state_dict()[name], tensor), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"in_channels": (3, 2)}, r"streams\.1\.features\.0\.weight .* in_channels, here 1$"),
        ({"in_channels": (3,)}, r"has 2 modalities and the model 1: .* file's in_channels$"),
        ({"in_channels": (3, 1, 1)}, r"has 2 modalities and the model 3: .* file's in_channels$"),
    ],
)
def test_a_file_of_other_cameras_names_in_channels(options, message, tmp_path):
    torch.save(small().state_dict(), tmp_path / "trained.pth")
    init_cfg = {"type": "Pretrained", "checkpoint": str(tmp_path / "trained.pth")}
    with pytest.raises(ValueError, match=message):
        small(init_cfg=init_cfg, **options).init_weights()


@pytest.mark.parametrize("last", [5, 13])
def test_a_stream_that_ends_inside_a_stage_takes_the_files_first_layers(last, tmp_path):
    """VGG16's stages have 2 and 3 convolutions there, of which the stream has 1 and 2."""
    state = vgg_file(tmp_path / "vgg.pth")
    init_cfg = {"type": "Pretrained", "checkpoint": str(tmp_path / "vgg.pth")}
    backbone = small(attention_positions=(4, last), num_stages=3, init_cfg=init_cfg)
    backbone.init_weights()
    stream = backbone.streams["1"].features
    assert len(stream) == last + 1
    for name, tensor in stream.state_dict().items():
        assert name == "0.weight" or torch.equal(tensor, state[name]), name


def test_fuse_keeps_the_outputs():
    backbone = small(norm_cfg=BN, zero_init=False)
    randomise(backbone)
    expected = backbone.eval()(pictures())
    assert backbone.fuse() is backbone
    assert not any(isinstance(m, nn.BatchNorm2d) for m in backbone.modules())
    for y, before in zip(backbone(pictures()), expected, strict=True):
        assert (y - before).abs().max() <= 1e-4 * before.abs().max()


@pytest.mark.parametrize("fusion", FUSIONS, ids=str)
def test_channels_last_changes_nothing(fusion):
    backbone, x = small(fusion=fusion, zero_init=False).eval(), pictures()
    expected = backbone(x)
    backbone.to(memory_format=torch.channels_last)
    for y, before in zip(backbone(x.to(memory_format=torch.channels_last)), expected, strict=True):
        assert (y - before).abs().max() <= 1e-5 * before.abs().max()


@pytest.mark.parametrize("fusion", FUSIONS, ids=str)
def test_autocast_gives_every_parameter_a_float32_gradient(fusion):
    backbone = small(fusion=fusion, zero_init=False, with_cp=(False, True, False, True, False))
    with torch.autocast("cpu", torch.bfloat16):
        outputs = backbone(pictures(), torch.tensor([[1, 1], [1, 0]]))
    sum(y.float().square().mean() for y in outputs).backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad.dtype == torch.float32 and parameter.grad.isfinite().all(), name


def test_how_much_a_fusion_adds_can_be_logged():
    """The hook that measures Multi-Scale Attention measures fusions, too."""
    hook, backbone = AttentionRatioHook(), small(zero_init=False).eval()
    assert backbones_with_attention(nn.Sequential(backbone)) == [backbone]
    seen = {}
    for name, fusion in backbone.attentions.items():
        fusion.register_forward_hook(
            lambda module, inputs, y, name=name: seen.update(
                {name: (y - inputs[0]).norm() / inputs[0].norm()}
            )
        )
    hook._attach(backbone)
    backbone(pictures())
    assert hook._ratios.keys() == seen.keys() == backbone.attentions.keys()
    assert all(torch.allclose(ratio, seen[name]) for name, ratio in hook._ratios.items())
    assert all(ratio > 0 for ratio in seen.values())


def test_copies_do_the_same():
    backbone, x = small(zero_init=False).eval(), pictures()
    loaded = small(zero_init=False, init_cfg=KAIMING).eval()
    loaded.init_weights()
    loaded.load_state_dict(backbone.state_dict())
    for twin in (loaded, copy.deepcopy(backbone), pickle.loads(pickle.dumps(backbone))):
        assert all(map(torch.equal, twin(x), backbone(x)))


def test_a_seed_gives_the_reference_the_same_start_as_msavgg():
    torch.manual_seed(0)
    alone = single().state_dict()
    state = small().state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in alone.items())


@pytest.mark.parametrize("registry", ["mmengine", "mmdet", "mmseg"])
def test_is_found_by_name(registry):
    models = pytest.importorskip(f"{registry}.registry").MODELS
    cfg = {"type": "MultiModalMSAVGG", "in_channels": [3, 1], "base_channels": 16, "fusion": "se"}
    assert type(models.build(cfg)) is MODELS.get("MultiModalMSAVGG") is MultiModalMSAVGG


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"in_channels": 4}, r"in_channels=4 does not fit.*\(3, 1\)"),
        ({"base_channels": (16, 8, 8)}, r"base_channels=\(16, 8, 8\) does not fit.*2 modalities"),
        ({"modality_dropout": (0.1,)}, r"modality_dropout=\(0.1,\) does not fit.*2 modalities"),
        ({"modality_dropout": 1.0}, r"modality_dropout=1.0 is no probability"),
        ({"sensors": (2,)}, r"sensors=\(2,\) does not fit.*0 to 1"),
        ({"fusion": "mean"}, r"fusion 'mean' is unknown: choose one of attention, sum, concat"),
        ({"fusion": {"type": "AxialAttention"}}, r"'AxialAttention' does not fuse several maps"),
        ({"fusion": {**ATTENTION, "pass_trough": True}}, r"did you mean 'pass_through'"),
        ({"attention_positions": ()}, r"attention_positions=\(\) leaves nothing to fuse at"),
        ({"attention_positions": (31,)}, r"31 does not exist"),
        ({"depth": 17}, r"depth=17 .*11, 13, 16, 19"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_the_choices(options, message):
    with pytest.raises(ValueError, match=message) as caught:
        small(**options)
    assert "\n" not in str(caught.value)


def test_inputs_that_do_not_fit_are_named():
    backbone = small()
    with pytest.raises(ValueError, match=r"3 channels does not fit in_channels=\(3, 1\).*4 chan"):
        backbone(pictures(3))
    with pytest.raises(ValueError, match=r"shape \(3, 2\) do not fit: give \(2, 2\), or \(2,\)"):
        backbone(pictures(), torch.ones(3, 2))


@pytest.mark.parametrize("flags", [None, torch.tensor([[1, 1], [1, 0]]), torch.tensor([1, 0])])
def test_torch_export_takes_any_number_of_samples(flags):
    """Also from an example with as many samples as modalities, or flags as samples."""
    backbone = small(depth=11, num_stages=2, out_indices=(1,)).eval()
    any_number = {0: torch.export.Dim.DYNAMIC}
    shapes = any_number, None if flags is None else any_number if flags.dim() == 2 else {}
    program = torch.export.export(
        backbone, (pictures(), flags), dynamic_shapes=shapes, strict=False
    )
    more = pictures(samples=5)
    if flags is not None and flags.dim() == 2:
        flags = flags[[0, 1, 1, 0, 0]]
    (found,), (expected,) = program.module()(more, flags), backbone(more, flags)
    torch.testing.assert_close(found, expected)
