"""Every attention module keeps the shape, starts as the identity, learns, and has its oracle."""

import copy
import inspect

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from references import (
    axial_attention,
    deformable_scale,
    linear_attention,
    multi_scale_attention,
    output_and_gradients,
)
from torch import nn

from msa_backbone.costs.measure import saved_bytes
from msa_backbone.layers.attention_builder import build_attention

OURS = {
    "MultiScaleAttention": {"reduction_ratio": 4},
    "GroupedMultiScaleAttention": {"reduction_ratio": 2, "groups": 2},
    "AxialAttention": {"reduction_ratio": 2, "num_heads": 2},
    "LinearAttention": {"reduction_ratio": 2, "num_heads": 2},
    "DeformableMultiScaleAttention": {"reduction_ratio": 4},
    "SelectiveMultiScaleAttention": {"reduction_ratio": 4},
}
PEERS = {name: {"name": name} for name in ("se", "eca", "cbam", "coord")}
FAMILY = [*OURS, *PEERS]


def build(kind: str, channels: int = 16, zero_init: bool = False, **options) -> nn.Module:
    torch.manual_seed(0)
    cfg = {"type": kind, **OURS[kind]} if kind in OURS else {"type": "TimmAttention", **PEERS[kind]}
    if kind in PEERS:
        pytest.importorskip("timm")
    module = build_attention({**cfg, **options}, channels, zero_init)
    if kind == "DeformableMultiScaleAttention" and not zero_init:
        # Between the pixels, where sampling is smooth.
        nn.init.normal_(module.offset_conv.weight, std=0.05)
        nn.init.uniform_(module.offset_conv.bias, 0.2, 0.8)
    return module


def naive(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """A module's output by its formula or in loops, without the module's own code."""
    kind, state = type(module).__name__, dict(module.state_dict())
    if kind == "GroupedMultiScaleAttention":
        parts = x.chunk(len(module.groups), dim=1)
        states = [group.state_dict() for group in module.groups]
        return torch.cat(
            [multi_scale_attention(s, p) for s, p in zip(states, parts, strict=True)], 1
        )
    if kind in ("AxialAttention", "LinearAttention"):
        oracle = axial_attention if kind == "AxialAttention" else linear_attention
        return oracle(state, x, heads=2)
    if kind == "MultiScaleAttention":
        return multi_scale_attention(state, x)

    def conv(name: str, value: torch.Tensor, padding: int = 0) -> torch.Tensor:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return torch.nn.functional.conv2d(value, weight, bias, padding=padding)

    if kind == "SelectiveMultiScaleAttention":
        scales = [conv("conv1x1", x), conv("conv3x3", x, 1), conv("conv5x5", x, 2)]
        pooled = (scales[0] + scales[1] + scales[2]).mean((2, 3), keepdim=True)
        logits = conv("selection.2", conv("selection.0", pooled).relu())
        exponentials = [part.exp() for part in logits.chunk(3, dim=1)]
        total = exponentials[0] + exponentials[1] + exponentials[2]
        scales = [3 * e / total * s for e, s in zip(exponentials, scales, strict=True)]
    else:
        reduced = conv("conv1x1", x)
        sampling, scales = conv("offset_conv", reduced, 1), [reduced]
        for name, taps, first in (("conv3x3", 9, 0), ("conv5x5", 25, 27)):
            part = sampling[:, first : first + 3 * taps]
            samples = [
                deformable_scale(
                    sample,
                    state[f"{name}.weight"],
                    state[f"{name}.bias"],
                    moves[: 2 * taps],
                    2 / (1 + (-moves[2 * taps :]).exp()),
                )
                for sample, moves in zip(reduced, part, strict=True)
            ]
            scales.append(torch.stack(samples))
    # What remains is the published form with these scales: as the 1x1 branch of an identity.
    f = conv("fusion_conv", torch.cat(scales, 1))
    ca = conv("channel_attention.3", conv("channel_attention.1", x.mean((2, 3), True)).relu())
    statistics = torch.cat([x.amax(1, True), x.mean(1, True), x.std(1, keepdim=True)], 1)
    return x + f * ca.sigmoid() * conv("spatial_attention.0", statistics, 3).sigmoid()


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("size", [(5, 4), (1, 1), (3, 7)])
def test_equals_its_formula(kind, size):
    module = build(kind).double()
    x = 2 * torch.randn(2, 16, *size, dtype=torch.float64) + 1
    with torch.no_grad():
        y, expected = module(x), naive(module, x)
    assert (y - x).abs().max() > 1e-3
    assert (y - expected).abs().max() < 1e-10


@pytest.mark.parametrize("kind", FAMILY)
def test_gradcheck(kind):
    module = build(kind, channels=8).double().eval()
    x = torch.randn(1, 8, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, *_: module(x), (x, *module.parameters()))


@pytest.mark.parametrize("kind", FAMILY)
@pytest.mark.parametrize("size", [(1, 1), (1, 6), (7, 5), (8, 8)])
def test_keeps_shape_dtype_and_memory_format(kind, size):
    module = build(kind).eval()
    x = torch.randn(2, 16, *size)
    expected = module(x)
    assert expected.shape == x.shape
    last = module.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
    assert (last - expected).abs().max() < 1e-5
    if kind in OURS and min(size) > 1:
        assert last.is_contiguous(memory_format=torch.channels_last)
    half = module.bfloat16()(x.bfloat16())
    assert half.dtype == torch.bfloat16
    assert (half - expected).abs().max() < 0.05 * expected.abs().max()


@pytest.mark.parametrize("kind", FAMILY)
def test_is_the_identity_at_zero_init_and_init_weights_restores_it(kind):
    module = build(kind, zero_init=True)
    x = 3 * torch.randn(2, 16, 6, 5)
    assert torch.equal(module(x), x)
    assert not torch.equal(build(kind)(x), x)

    class Model(BaseModule):
        def __init__(self) -> None:
            super().__init__(init_cfg={"type": "Kaiming", "layer": "Conv2d"})
            self.part = module

    for parameter in module.parameters():
        nn.init.normal_(parameter)
    assert not torch.equal(module(x), x)
    Model().init_weights()
    assert torch.equal(module(x), x)
    trained = build(kind)
    before = {n: t.clone() for n, t in trained.state_dict().items() if "offset_conv" not in n}
    if hasattr(trained, "init_weights"):
        trained.init_weights()
    assert all(torch.equal(trained.state_dict()[n], t) for n, t in before.items())


@pytest.mark.parametrize("kind", FAMILY)
@pytest.mark.parametrize("zero_init", [True, False])
def test_every_parameter_learns(kind, zero_init):
    """At once without zero_init; with it, what leads out of the identity moves first."""
    module = build(kind, zero_init=zero_init)
    x = torch.randn(4, 16, 6, 5)

    def moving() -> set[str]:
        module.zero_grad()
        target = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
        (module(x) - target).square().mean().backward()
        return {n for n, p in module.named_parameters() if p.grad is not None and p.grad.any()}

    everything = {name for name, _ in module.named_parameters()}
    if zero_init:
        first = moving()
        assert first and first < everything
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        optimizer.step()
    assert moving() == everything


@pytest.mark.parametrize("kind", FAMILY)
def test_trains_under_autocast(kind):
    module, x = build(kind), torch.randn(2, 16, 6, 5)
    expected = module.eval()(x).detach()
    module.train()
    with torch.autocast("cpu", torch.bfloat16):
        y = module(x)
    if kind not in ("coord", "cbam"):  # batch norm of a batch is not that of the statistics
        assert (y - expected).abs().max() < 0.05 * expected.abs().max()
    y.float().square().mean().backward()
    assert all(p.grad.isfinite().all() for p in module.parameters())


@pytest.mark.parametrize("kind", OURS)
def test_finite_at_large_and_at_zero_features(kind):
    module = build(kind)
    for x in (torch.zeros(1, 16, 4, 5), 1e4 * torch.rand(1, 16, 4, 5)):
        y, *gradients = output_and_gradients(
            lambda x: module(x), [x.requires_grad_(), *module.parameters()]
        )
        assert y.isfinite().all() and all(g.isfinite().all() for g in gradients)


@pytest.mark.parametrize("kind", OURS)
def test_every_argument_changes_the_module(kind):
    changes = {
        "in_channels": 32,
        "reduction_ratio": 8,
        "groups": 4,
        "num_heads": 4,
        "channel": False,
        "spatial": False,
        "dropout": 0.5,
        "drop_path": 0.5,
        "gate_norm": True,
        "zero_init": True,
    }
    cls = MODELS.get(kind)
    options = set(inspect.signature(cls).parameters)
    assert options <= set(changes)
    base = {"in_channels": 16, "zero_init": False, **OURS[kind]}
    x = torch.randn(4, 16, 5, 6)

    def fingerprint(**options) -> list:
        torch.manual_seed(0)
        module = cls(**options)
        torch.manual_seed(1)
        shown = module(x).flatten().tolist() if options["in_channels"] == 16 else []
        return [*shown, *((n, t.shape, t.sum().item()) for n, t in module.state_dict().items())]

    assert fingerprint(**base) == fingerprint(**base)
    for name in options:
        assert fingerprint(**base) != fingerprint(**{**base, name: changes[name]}), name


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("option", ["dropout", "drop_path"])
def test_dropped_branches_leave_the_input_and_scale_the_rest(kind, option):
    """y - x is that without dropping, times 0 or 1 / (1 - p); nothing is dropped in eval."""
    module, kept = build(kind, **{option: 0.25}), build(kind)
    x = torch.randn(64, 16, 3, 4)
    with torch.no_grad():
        assert torch.allclose(module.eval()(x), kept.eval()(x), atol=1e-5)
        torch.manual_seed(3)
        branch, whole = module.train()(x) - x, kept(x) - x
    ratios = (branch * whole).sum((2, 3)) / whole.square().sum((2, 3))  # (N, C)
    dropped = ratios.abs() < 1e-3
    assert (dropped | ((ratios - 4 / 3).abs() < 1e-3)).all()
    per_sample = dropped.float().mean(1)
    if option == "drop_path":
        groups = 2 if kind == "GroupedMultiScaleAttention" else 1
        assert torch.equal((groups * per_sample).round(), groups * per_sample)
        assert 0.1 < per_sample.mean() < 0.45
    else:
        assert 0.2 < per_sample.mean() < 0.3 and per_sample.unique().numel() > 3


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("option", ["dropout", "drop_path"])
@pytest.mark.parametrize("value", [-0.1, 1.0])
def test_no_probability_is_named(kind, option, value):
    with pytest.raises(ValueError, match=rf"{option}={value} is no probability"):
        build(kind, **{option: value})


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("GroupedMultiScaleAttention", {"groups": 3}, "groups=3 does not divide in_channels=16"),
        ("AxialAttention", {"num_heads": 3}, "num_heads=3 does not divide the 8 channels"),
        ("LinearAttention", {"num_heads": 0}, "num_heads=0 does not divide the 8 channels"),
        ("LinearAttention", {"reduction_ratio": 17}, "reduction_ratio=17 does not fit"),
    ],
)
def test_options_that_do_not_fit_are_named(kind, options, expected):
    with pytest.raises(ValueError, match=expected):
        build(kind, **options)


def test_regular_sampling_and_an_undecided_choice_are_the_published_scales():
    x = torch.randn(2, 16, 6, 5)
    module = build("SelectiveMultiScaleAttention")
    nn.init.zeros_(module.selection[2].weight)
    nn.init.zeros_(module.selection[2].bias)
    state = module.state_dict()
    assert (module(x) - multi_scale_attention(state, x)).abs().max() < 1e-5
    shares = module.scale_weights(torch.randn(2, 3, 4, 6, 5))
    assert shares.shape == (2, 3, 4, 1, 1) and torch.allclose(shares, torch.ones(()))

    torch.manual_seed(0)
    module = build_attention(
        {"type": "DeformableMultiScaleAttention", "reduction_ratio": 4}, 16, False
    )
    with torch.no_grad():
        reduced = module.conv1x1(x)
        expected = [reduced, module.conv3x3(reduced), module.conv5x5(reduced)]
        assert (module.scales(x) - torch.cat(expected, 1)).abs().max() < 1e-5


def test_attention_reaches_every_location():
    """Not the case for the 7x7 window of the convolutions: what far pixels hold changes y."""
    for kind in ("AxialAttention", "LinearAttention"):
        module = build(kind)
        x = torch.randn(1, 16, 20, 20)
        moved = copy.deepcopy(x)
        moved[..., -1, -1] += 5
        assert ((module(moved) - module(x))[0, :, 0, 0]).abs().max() > 1e-6


@pytest.mark.parametrize("kind", ["AxialAttention", "LinearAttention"])
def test_memory_of_self_attention_is_linear_in_the_pixels(kind):
    """What is saved for the backward pass: four times the pixels, four times the bytes."""
    module = build(kind)
    small, large = (torch.randn(1, 16, side, side) for side in (16, 32))
    saved = [saved_bytes(lambda x=x: module(x), module.parameters()) for x in (small, large)]
    assert saved[1] < 4.2 * saved[0]
