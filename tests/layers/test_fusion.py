"""Fusions of several modalities' maps: against their formulas, and what absence means."""

import copy
import inspect
import itertools
import pickle

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from references import fused, multi_modal_attention, multi_scale_attention
from torch import Tensor, nn

from msa_backbone import MultiScaleAttention
from msa_backbone.layers import MultiModalAttention
from msa_backbone.layers.attention_builder import build_attention, check_attention_options
from msa_backbone.layers.fusion.builder import FUSIONS, fusion_cfg

WIDTHS = [(8,), (8, 8), (12, 3), (6, 10, 1)]
KINDS = list(FUSIONS)


def build(kind: str, in_channels: tuple[int, ...], zero_init: bool = False, **options):
    torch.manual_seed(0)
    if kind in ("attention", "se", "cbam"):
        options = {"reduction_ratio": 2, **options}
    return build_attention({**fusion_cfg(kind), **options}, in_channels, zero_init)


def maps_for(widths: tuple[int, ...], size=(5, 7), samples=2, dtype=torch.float64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    maps = [torch.randn(samples, c, *size, generator=generator, dtype=dtype) for c in widths]
    return [3 * x + number for number, x in enumerate(maps)]


def expected(kind: str, module: nn.Module, maps: list[Tensor], present=None, **parts) -> Tensor:
    state = dict(module.named_parameters())
    if kind == "attention":
        return multi_modal_attention(state, maps, present=present, **parts)
    return fused(kind, state, maps, present)


@pytest.mark.parametrize("size", [(5, 7), (1, 1), (1, 9)])
@pytest.mark.parametrize("in_channels", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_equals_its_formula(kind, in_channels, size):
    module, maps = build(kind, in_channels).double(), maps_for(in_channels, size)
    y, formula = module(*maps), expected(kind, module, maps)
    assert y.shape == maps[0].shape
    assert (y - formula).abs().max() < 1e-10
    if len(maps) > 1 or kind in ("attention", "concat"):
        assert (formula - maps[0]).abs().max() > 1e-3


PARTS = [
    dict(zip(("channel", "spatial", "gate_norm", "pass_through"), flags, strict=True))
    for flags in itertools.product((True, False), repeat=4)
]


@pytest.mark.parametrize("parts", PARTS, ids=str)
@pytest.mark.parametrize("in_channels", [(8,), (6, 10, 3)])
def test_each_part_of_the_attention_is_as_in_the_formula(in_channels, parts):
    module = build("attention", in_channels, **parts).double()
    maps, present = maps_for(in_channels), [[1.0] * len(in_channels), [0.0] * len(in_channels)]
    present[1][-1] = 1.0
    flags = torch.tensor(present)
    formula = expected("attention", module, maps, present, **parts)
    assert (module(*maps, present=flags) - formula).abs().max() < 1e-10
    formula = expected("attention", module, maps, **parts)
    assert (module(*maps) - formula).abs().max() < 1e-10


@pytest.mark.parametrize("parts", PARTS, ids=str)
def test_one_modality_is_multi_scale_attention(parts):
    pass_through = parts.pop("pass_through")
    torch.manual_seed(3)
    single = MultiScaleAttention(24, 4, **parts, zero_init=False)
    module = build("attention", (24,), reduction_ratio=4, pass_through=pass_through, **parts)
    module.load_state_dict(single.state_dict())
    x = maps_for((24,), (17, 16), dtype=torch.float32)[0]
    assert torch.equal(module(x), single(x))  # in whichever form serves
    single.plain = module.plain = True
    assert torch.equal(module(x), single(x))
    assert torch.equal(module(x, present=torch.ones(1)), single(x))
    assert torch.equal(module(x, present=torch.zeros(1)), x)
    formula = multi_scale_attention(single.state_dict(), x, **parts)
    assert torch.allclose(module(x), formula, atol=1e-4)


def test_the_reference_has_multi_scale_attentions_names():
    plain = MultiScaleAttention(16, 4).state_dict()
    state = build("attention", (16, 8), pass_through=True).state_dict()
    assert {n for n in state if not n.startswith("others.")} == set(plain)
    others = {n.removeprefix("others.1.") for n in state if n.startswith("others.1.")}
    assert others == {*plain, "pass_through.scale", "pass_through.projection.weight"}


@pytest.mark.parametrize("pass_through", [False, True])
def test_widths_are_those_of_the_formula(pass_through):
    module = MultiModalAttention((64, 8, 32), reduction_ratio=16, pass_through=pass_through)
    shapes = {name: tuple(p.shape) for name, p in module.named_parameters()}
    for at, width, hidden in (("", 64, 4), ("others.1.", 8, 1), ("others.2.", 32, 2)):
        assert shapes[f"{at}conv5x5.weight"] == (hidden, width, 5, 5)
        assert shapes[f"{at}fusion_conv.weight"] == (64, 3 * hidden, 1, 1)
        assert shapes[f"{at}channel_attention.1.weight"] == (4, 104, 1, 1)
        assert shapes[f"{at}channel_attention.3.weight"] == (64, 4, 1, 1)
        assert shapes[f"{at}spatial_attention.0.weight"] == (1, 9, 7, 7)
        if pass_through and at:
            assert shapes[f"{at}pass_through.projection.weight"] == (64, width, 1, 1)
    assert any("pass_through" in name for name in shapes) == pass_through


def starts_as_reference(kind: str, in_channels: tuple[int, ...]) -> bool:
    return kind != "sum" or in_channels[0] not in in_channels[1:]


@pytest.mark.parametrize("in_channels", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_starts_at_the_reference_and_init_weights_brings_it_back(kind, in_channels):
    options = {"pass_through": True} if kind == "attention" else {}
    module, maps = build(kind, in_channels, True, **options), maps_for(in_channels)
    module, x = module.double(), maps[0]
    at_reference = starts_as_reference(kind, in_channels)
    assert torch.equal(module(*maps), x) == at_reference
    if not list(module.parameters()):
        return
    parent = BaseModule(init_cfg={"type": "Normal", "std": 1.0, "layer": "Conv2d", "bias": 1.0})
    parent.fusion = module
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    assert not torch.equal(module(*maps), x)
    parent.init_weights()
    assert torch.equal(module(*maps), x) == at_reference
    trained = build(kind, in_channels, False, **options)
    before = copy.deepcopy(trained.state_dict())
    trained.init_weights()
    assert all(torch.equal(before[name], t) for name, t in trained.state_dict().items())


def test_the_plain_sum_adds_from_the_start():
    a, b, c = maps_for((4, 4, 4))
    assert torch.equal(build("sum", (4, 4, 4), True)(a, b, c), a + b + c)
    flags = torch.tensor([[1, 0, 1], [0, 1, 0]])
    y = build("sum", (4, 4, 4))(a, b, c, present=flags)
    assert torch.equal(y, torch.stack([a[0] + c[0], a[1] + b[1]]))


def test_the_attention_can_start_from_the_sum():
    options = {"pass_through": True, "layer_scale_init_value": 1.0}
    module, (a, b, c) = build("attention", (4, 4, 4), True, **options), maps_for((4, 4, 4))
    module = module.double()
    assert torch.equal(module(a, b, c), a + b + c)
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    module.init_weights()
    assert torch.equal(module(a, b, c), a + b + c)
    half = build("attention", (4, 4), True, **{**options, "layer_scale_init_value": 0.5}).double()
    assert torch.equal(half(a, b), a + 0.5 * b)
    for kind in ("se", "cbam"):  # s = 0.5 instead of 0 or 1
        module = build(kind, (4, 4), True, layer_scale_init_value=0.5).double()
        full = build(kind, (4, 4), False).double()
        assert torch.allclose(2 * (module(a, b) - a), full(a, b) - a, atol=1e-12)
    with pytest.raises(ValueError, match=r"layer_scale_init_value=1.0 .* set pass_through=True"):
        MultiModalAttention((16, 16), layer_scale_init_value=1.0)


@pytest.mark.parametrize("gate_norm", [False, True])
@pytest.mark.parametrize("in_channels", [(4,), (4, 2), (4, 2, 1)])
def test_gradcheck_of_the_attention(in_channels, gate_norm):
    options = {"pass_through": True, "gate_norm": gate_norm}
    module = build("attention", in_channels, **options).double()
    maps = [x.requires_grad_() for x in maps_for(in_channels, (3, 4), 1)]
    flags = torch.ones(1, len(maps))
    tensors = (*maps, *module.parameters())

    def function(*tensors: Tensor) -> Tensor:
        return module(*tensors[: len(maps)], present=flags)

    assert torch.autograd.gradcheck(function, tensors)


@pytest.mark.parametrize("kind", ["sum", "concat", "se", "cbam"])
def test_gradcheck_of_the_others(kind):
    module = build(kind, (4, 2, 3)).double()
    maps = [x.requires_grad_() for x in maps_for((4, 2, 3), (3, 4), 1)]
    tensors = (*maps, *module.parameters())
    assert torch.autograd.gradcheck(lambda *tensors: module(*tensors[:3]), tensors)


def gradients(module: nn.Module, maps: list[Tensor], present=None) -> dict[str, Tensor]:
    module.zero_grad()
    y = module(*maps, present=present)
    (y * torch.linspace(-1, 1, y.numel()).reshape(y.shape)).sum().backward()
    return {name: p.grad for name, p in module.named_parameters()}


@pytest.mark.parametrize("in_channels", [(8, 8), (12, 3, 5)])
@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_of_every_modality_learns(kind, in_channels):
    options = {"pass_through": True} if kind == "attention" else {}
    module = build(kind, in_channels, **options)
    maps = [x.requires_grad_() for x in maps_for(in_channels, samples=4, dtype=torch.float32)]
    for name, gradient in gradients(module, maps).items():
        assert gradient.isfinite().all() and gradient.any(), name
    # An absent modality leaves gradients of zero and not none, which would stop DDP.
    flags = torch.tensor([1, *[0] * (len(maps) - 1)])
    assert all(g is not None for g in gradients(module, maps, flags).values())


@pytest.mark.parametrize("kind", ["attention", "se", "cbam", "concat"])
def test_from_the_start_the_first_step_moves_what_starts_at_zero(kind):
    options = {"pass_through": True} if kind == "attention" else {}
    module, maps = build(kind, (8, 4), True, **options), maps_for((8, 4), dtype=torch.float32)
    moving = {name for name, gradient in gradients(module, maps).items() if gradient.any()}
    zeros = {name for name, p in module.named_parameters() if not p.any()}
    assert moving == zeros != set()


def flags_of(modalities: int) -> list[list[float]]:
    return [list(flags) for flags in itertools.product((1.0, 0.0), repeat=modalities)]


@pytest.mark.parametrize("dtype", [torch.bool, torch.float32, torch.int64])
@pytest.mark.parametrize("in_channels", [(8, 8), (6, 10, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_flags_are_as_in_the_formula(kind, in_channels, dtype):
    module, present = build(kind, in_channels).double(), flags_of(len(in_channels))
    maps = maps_for(in_channels, samples=len(present))
    y = module(*maps, present=torch.tensor(present).to(dtype))
    assert (y - expected(kind, module, maps, present)).abs().max() < 1e-10
    for flags in present:  # for the whole batch
        y = module(*maps, present=torch.tensor(flags).to(dtype))
        assert (y - expected(kind, module, maps, [flags] * len(maps[0]))).abs().max() < 1e-10


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_an_absent_modality_comes_through(kind):
    options = {"pass_through": True} if kind == "attention" else {}
    module, (x, a, b) = build(kind, (8, 4, 8), **options), maps_for((8, 4, 8), dtype=torch.float32)
    absent = torch.tensor([1, 0, 1])
    y = module(x, a, b, present=absent)
    assert torch.equal(module(x, -7 * a + 1, b, present=absent), y)
    # Black is a picture: zeros that are present do something else than zeros that are absent.
    black = torch.zeros_like(a)
    seen = module(x, black, b, present=torch.ones(3))
    linear_in_a = kind in ("se", "cbam", "concat")  # gates and projections of zeros agree
    assert torch.allclose(seen, module(x, black, b, present=absent), atol=1e-6) == linear_in_a
    assert not torch.allclose(y, module(x, a, b))


def test_with_all_absent_the_reference_goes_on():
    module, maps = build("attention", (8, 4), pass_through=True), maps_for((8, 4))
    assert torch.equal(module.double()(*maps, present=torch.zeros(2)), maps[0])


def test_gates_of_every_modality_can_be_looked_at():
    module, maps = build("attention", (8, 4)).double(), maps_for((8, 4))
    gates = module.modality_gates(*maps)
    assert [(ca.shape, sa.shape) for ca, sa in gates] == [((2, 8, 1, 1), (2, 1, 5, 7))] * 2
    y = maps[0]
    for term, x, (ca, sa) in zip([module, module.others["1"]], maps, gates, strict=True):
        assert 0 < ca.min() < ca.max() < 1 and 0 < sa.min() < sa.max() < 1
        y = y + term.multi_scale_features(x) * ca * sa
    assert torch.allclose(module(*maps), y, atol=1e-10)
    without = build("attention", (8, 4), channel=False, spatial=False).double()
    assert without.modality_gates(*maps) == [(None, None)] * 2


CHANGES = {
    "attention": {
        "in_channels": (8, 5),
        "reduction_ratio": 4,
        "channel": False,
        "spatial": False,
        "dropout": 0.5,
        "drop_path": 0.5,
        "gate_norm": True,
        "pass_through": False,
        "zero_init": True,
        "layer_scale_init_value": 0.5,
    },
    "sum": {"in_channels": (8, 5), "zero_init": True},
    "concat": {"in_channels": (8, 5), "zero_init": True},
    "se": {
        "in_channels": (8, 5),
        "reduction_ratio": 4,
        "zero_init": True,
        "layer_scale_init_value": 0.5,
    },
    "cbam": {
        "in_channels": (8, 5),
        "reduction_ratio": 4,
        "zero_init": True,
        "layer_scale_init_value": 0.5,
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_argument_changes_something(kind):
    start = {"pass_through": True} if kind == "attention" else {}

    def fingerprint(**options) -> list:
        module = build(kind, **{"in_channels": (8, 4), **start, **options})
        torch.manual_seed(1)
        maps = maps_for(options.get("in_channels", (8, 4)), samples=8, dtype=torch.float32)
        shapes = {name: p.shape for name, p in module.named_parameters()}
        return [shapes, module(*maps).sum().item()]

    assert set(inspect.signature(MODELS.get(FUSIONS[kind])).parameters) == set(CHANGES[kind])
    base = fingerprint()
    assert base == fingerprint()
    for name, value in CHANGES[kind].items():
        assert fingerprint(**{name: value}) != base, name


@pytest.mark.parametrize(("channel", "spatial"), [(True, True), (False, True), (False, False)])
def test_dropping_leaves_out_each_modality_by_itself(channel, spatial):
    options = {"drop_path": 0.5, "channel": channel, "spatial": spatial}
    module, maps = build("attention", (4, 3), **options), maps_for((4, 3), samples=64)
    module = module.double()
    y = module(*maps)
    gates = module.modality_gates(*maps)
    terms = []
    for term, x, (ca, sa) in zip([module, module.others["1"]], maps, gates, strict=True):
        terms.append(2 * term.multi_scale_features(x))  # what stays is scaled up
        terms[-1] = terms[-1] * (1 if ca is None else ca) * (1 if sa is None else sa)
    seen = set()
    for n in range(64):
        for keep in itertools.product((0, 1), repeat=2):
            if torch.allclose(y[n], maps[0][n] + keep[0] * terms[0][n] + keep[1] * terms[1][n]):
                seen.add(keep)
                break
        else:
            pytest.fail(f"sample {n} is no sum of kept terms")
    assert len(seen) == 4
    y = module.eval()(*maps)
    assert torch.allclose(y, maps[0] + terms[0] / 2 + terms[1] / 2)


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
@pytest.mark.parametrize("kind", KINDS)
def test_sixteen_bits_keep_their_dtype_and_stay_finite(kind, dtype):
    module, maps = build(kind, (32, 16)).to(dtype), maps_for((32, 16))
    wide = build(kind, (32, 16)).double()(*maps)
    y = module(*(x.to(dtype) for x in maps), present=torch.ones(2))
    assert y.dtype == dtype and (y - wide).abs().max() < 0.05 * wide.abs().max()
    if kind == "attention":
        y = module(*(torch.full_like(x, 3e4).to(dtype) for x in maps))
        assert y.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_autocast_trains(kind):
    options = {"pass_through": True} if kind == "attention" else {}
    module, maps = build(kind, (16, 8), **options), maps_for((16, 8), dtype=torch.float32)
    exact = module(*maps, present=torch.ones(2)).detach()
    with torch.autocast("cpu", torch.bfloat16):
        y = module(*maps, present=torch.ones(2))
    assert (y - exact).abs().max() < 0.03 * exact.abs().max()
    y.float().square().mean().backward()
    assert all(p.grad.isfinite().all() for p in module.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_copies_do_the_same(kind):
    module, maps = build(kind, (8, 4)).double(), maps_for((8, 4))
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(twin(*maps), module(*maps))


@pytest.mark.parametrize("kind", KINDS)
def test_maps_flags_and_options_that_do_not_fit_are_named(kind):
    module, (x, a) = build(kind, (8, 4)).double(), maps_for((8, 4))
    with pytest.raises(ValueError, match=r"\(2, 8, 5, 7\), \(2, 4, 4, 7\) do not fit"):
        module(x, a[:, :, :4])
    with pytest.raises(ValueError, match=r"2 of one size with \(8, 4\) channels"):
        module(x)
    with pytest.raises(ValueError, match=r"2 of one size with \(8, 4\) channels"):
        module(x, a, a)
    with pytest.raises(ValueError, match=r"shape \(2, 3\) do not fit 2 samples: give \(2, 2\)"):
        module(x, a, present=torch.ones(2, 3))
    for in_channels in (8, (), (8, 0), "rgb"):
        with pytest.raises(ValueError, match=r"in_channels=.* does not fit.*\(3, 1\)"):
            MODELS.get(FUSIONS[kind])(in_channels)
    if kind in ("attention", "se", "cbam"):
        with pytest.raises(ValueError, match=r"reduction_ratio=9 does not fit in_channels=.*8"):
            build(kind, (8, 16), reduction_ratio=9)


def test_fusions_are_named():
    assert fusion_cfg(None) == fusion_cfg("sum") == {"type": "SumFusion"}
    assert fusion_cfg({"type": "SEFusion", "reduction_ratio": 2})["reduction_ratio"] == 2
    assert fusion_cfg({"type": MultiModalAttention})["type"] is MultiModalAttention
    with pytest.raises(ValueError, match="fusion 'mean' is unknown: choose one of attention, sum"):
        fusion_cfg("mean")
    with pytest.raises(ValueError, match="'MultiScaleAttention' does not fuse several maps"):
        fusion_cfg({"type": "MultiScaleAttention"})
    with pytest.raises(ValueError, match="did you mean 'pass_through'"):
        check_attention_options({**fusion_cfg("attention"), "pass_trough": True})
