"""Attention that listens against its formula; without words it is Multi-Scale Attention."""

import inspect

import pytest
import torch
from mmengine.model import BaseModule
from references import language_conditioned_attention, output_and_gradients
from torch import nn

from msa_backbone import MultiScaleAttention
from msa_backbone.language import FiLM, LanguageConditionedAttention
from msa_backbone.layers.attention_builder import build_attention
from msa_backbone.ops.select_form import form_for

TEXT = 5
LANGUAGE = {
    f"{name}.weight"
    for name in ("words_to_channels", "words_to_places", "match_features", "match_conv")
}


def build(channels: int = 12, ratio: int = 3, **options) -> LanguageConditionedAttention:
    torch.manual_seed(0)
    return LanguageConditionedAttention(channels, TEXT, ratio, **{"zero_init": False, **options})


def pictures_and_words(samples: int = 2, channels: int = 12, size=(5, 7), **kind):
    torch.manual_seed(1)
    return 3 * torch.randn(samples, channels, *size, **kind) + 1, torch.randn(samples, TEXT, **kind)


@pytest.mark.parametrize("gate_norm", [False, True])
@pytest.mark.parametrize(("channel", "spatial"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("modulate", [False, True])
@pytest.mark.parametrize("size", [(5, 7), (1, 1), (1, 9)])
def test_equals_the_formula(size, modulate, channel, spatial, gate_norm):
    options = {"channel": channel, "spatial": spatial, "gate_norm": gate_norm}
    options["modulate"] = modulate
    module = build(**options).double()
    x, q = pictures_and_words(size=size, dtype=torch.float64)
    expected = language_conditioned_attention(module.state_dict(), x, q, **options)
    deaf = language_conditioned_attention(module.state_dict(), x, 0 * q, **options)
    assert (expected - deaf).abs().max() > 1e-3
    assert (module(x, q) - expected).abs().max() < 1e-10


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("modulate", [False, True])
@pytest.mark.parametrize("gate_norm", [False, True])
@pytest.mark.parametrize(("channel", "spatial"), [(True, True), (True, False), (False, True)])
def test_without_a_sentence_it_is_multi_scale_attention(
    channel, spatial, gate_norm, modulate, dtype
):
    """No embedding, an embedding of zeros, or U and V at zero; it loads that class's weights."""
    options = {"channel": channel, "spatial": spatial, "gate_norm": gate_norm}
    torch.manual_seed(7)
    deaf = MultiScaleAttention(12, 3, zero_init=False, **options).to(dtype)
    options["modulate"] = modulate
    module, unmoved = build(**options).to(dtype), build(zero_language=True, **options).to(dtype)
    for listening in (module, unmoved):
        listening.load_state_dict(deaf.state_dict())
    x, q = pictures_and_words(size=(20, 20), dtype=dtype)
    tolerance = 1e-6 if dtype == torch.float32 else 1e-13
    assert (module(x) - deaf(x)).abs().max() <= tolerance  # 20 x 20 takes the fast form
    assert form_for(module, x) == form_for(deaf, x) != "plain"
    deaf.plain = module.plain = unmoved.plain = True
    assert torch.equal(module(x), deaf(x))
    assert torch.equal(module(x, torch.zeros_like(q)), deaf(x))
    assert torch.equal(unmoved(x, q), deaf(x))
    assert (module(x, q) - deaf(x)).abs().max() > 1e-3


@pytest.mark.parametrize("modulate", [False, True])
def test_the_gates_that_pictures_show_are_those_at_work(modulate):
    module, (x, q) = build(modulate=modulate).double(), pictures_and_words(dtype=torch.float64)
    told = module.modulated(x, q)
    gates = module.channel_weights_given(told, q) * module.spatial_weights_given(told, q)
    y = told + module.multi_scale_features(told) * gates
    assert (module(x, q) - y).abs().max() < 1e-12


def test_a_file_with_only_some_of_the_language_is_refused():
    module = build()
    tensors = dict(build().state_dict())
    del tensors["match_conv.weight"]
    with pytest.raises(RuntimeError, match=r"Missing key.*match_conv\.weight"):
        module.load_state_dict(tensors)
    with pytest.raises(RuntimeError, match=r"Missing key.*words_to_channels"):
        module.load_state_dict({})


@pytest.mark.parametrize("modulate", [False, True])
def test_is_the_identity_at_the_start_and_only_the_fusion_is_zero(modulate):
    x, q = pictures_and_words()
    fusion = {"fusion_conv.weight", "fusion_conv.bias"}
    words = {"words_to_channels.weight", "words_to_places.weight"}
    words |= {"words_to_features.weight"} if modulate else set()
    for zero_language in (False, True):
        module = build(zero_init=True, zero_language=zero_language, modulate=modulate)
        zero = {name for name, tensor in module.state_dict().items() if not tensor.any()}
        assert zero == fusion | (words if zero_language else set())
        assert torch.equal(module(x), x)
        assert torch.equal(module(x, q), x) == (zero_language or not modulate)


@pytest.mark.parametrize(
    "zeros",
    [{"zero_init": True}, {"zero_language": True}, {"zero_language": True, "modulate": True}],
)
def test_the_start_holds_through_init_weights(zeros):
    class Model(BaseModule):
        def __init__(self) -> None:
            super().__init__(init_cfg={"type": "Kaiming", "layer": ["Conv2d", "Linear"]})
            self.part = build(**zeros)

    model = Model()
    before = {name for name, tensor in model.part.state_dict().items() if not tensor.any()}
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    model.init_weights()
    assert before <= {name for name, tensor in model.part.state_dict().items() if not tensor.any()}


@pytest.mark.parametrize("modulate", [False, True])
@pytest.mark.parametrize("gate_norm", [False, True])
@pytest.mark.parametrize(("channel", "spatial"), [(True, True), (True, False), (False, True)])
def test_gradcheck(channel, spatial, gate_norm, modulate):
    options = {"channel": channel, "spatial": spatial, "gate_norm": gate_norm}
    module = build(6, 3, modulate=modulate, **options).double()
    x, q = pictures_and_words(channels=6, size=(3, 4), dtype=torch.float64)
    tensors = (x.requires_grad_(), q.requires_grad_(), *module.parameters())
    assert torch.autograd.gradcheck(lambda x, q, *_: module(x, q), tensors)


def test_every_argument_changes_the_module():
    changes = {
        "in_channels": 24,
        "text_channels": 6,
        "reduction_ratio": 4,
        "channel": False,
        "spatial": False,
        "dropout": 0.5,
        "drop_path": 0.5,
        "gate_norm": True,
        "modulate": True,
        "zero_language": True,
        "zero_init": True,
    }
    assert set(changes) == set(inspect.signature(LanguageConditionedAttention).parameters)
    deaf = set(inspect.signature(MultiScaleAttention).parameters)
    assert deaf | {"text_channels", "modulate", "zero_language"} == set(changes)

    def fingerprint(**options) -> list:
        options = {
            "in_channels": 12, "text_channels": TEXT, "reduction_ratio": 3, "zero_init": False,
            **options,
        }  # fmt: skip
        torch.manual_seed(0)
        module = LanguageConditionedAttention(**options)
        torch.manual_seed(1)
        x = torch.randn(4, options["in_channels"], 5, 6)
        y = module(x, torch.randn(4, options["text_channels"]))
        return [y.flatten().tolist(), *((n, t.shape) for n, t in module.state_dict().items())]

    assert fingerprint() == fingerprint()
    for name, value in changes.items():
        assert fingerprint(**{name: value}) != fingerprint(), name


def test_every_parameter_matters():
    module = build(modulate=True).double()
    x, q = pictures_and_words(dtype=torch.float64)
    y = module(x, q)
    for name, parameter in module.named_parameters():
        kept = parameter.detach().clone()
        with torch.no_grad():
            parameter.mul_(1.5).add_(0.01)
        assert (module(x, q) - y).abs().max() > 1e-5, name
        with torch.no_grad():
            parameter.copy_(kept)
    assert torch.equal(module(x, q), y)


@pytest.mark.parametrize("modulate", [False, True])
@pytest.mark.parametrize("zero", [{}, {"zero_init": True}, {"zero_language": True}])
def test_every_parameter_learns(zero, modulate):
    """At once, or after the step that leads away from the zeros."""
    module, (x, q) = build(modulate=modulate, **zero), pictures_and_words()
    q.requires_grad_()
    everything = {name for name, _ in module.named_parameters()}
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3)
    for moving in (None, everything):
        module.zero_grad()
        module(x, q).pow(2).mean().backward()
        learned = {n for n, p in module.named_parameters() if p.grad is not None and p.grad.any()}
        assert moving is None or learned == moving
        optimizer.step()
    assert q.grad.any() and set(LANGUAGE) <= everything


@pytest.mark.parametrize("modulate", [False, True])
def test_a_batch_equals_its_samples(modulate):
    module, (x, q) = build(modulate=modulate), pictures_and_words(4)
    whole = module(x, q)
    for n in range(4):
        assert (module(x[n : n + 1], q[n : n + 1]) - whole[n]).abs().max() < 1e-5


def test_memory_format_half_precision_and_large_features():
    module, (x, q) = build(), pictures_and_words()
    expected = module(x, q)
    last = module.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last), q)
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert (last - expected).abs().max() < 1e-5
    with torch.autocast("cpu", torch.bfloat16):
        mixed = module(x, q)
    assert (mixed - expected).abs().max() < 0.05 * expected.abs().max()
    mixed.float().square().mean().backward()
    half = module.bfloat16()(x.bfloat16(), q.bfloat16())
    assert half.dtype == torch.bfloat16
    module = module.half()
    nn.init.constant_(module.match_features.weight, 0.1)
    nn.init.constant_(module.words_to_places.weight, 10.0)  # <P x, V q> is beyond float16
    x = (3e4 * torch.rand(2, 12, 6, 5)).half()
    exact = module.match_features(x).float() * module.words_to_places(q.half())[..., None, None]
    assert exact.sum(1).abs().min() > 65504 and module.match(x, q.half()).isfinite().all()
    assert module(x, q.half()).isfinite().all()
    for empty in (torch.zeros(2, 12, 4, 4), torch.zeros(2, 12, 1, 1)):
        y, *gradients = output_and_gradients(
            lambda x: build(gate_norm=True)(x, q), [empty.requires_grad_()]
        )
        assert y.isfinite().all() and all(g.isfinite().all() for g in gradients)


@pytest.mark.parametrize("option", ["dropout", "drop_path"])
def test_dropping_works_as_without_words(option):
    module, kept = build(**{option: 0.25}), build()
    x, q = pictures_and_words(64, size=(3, 4))
    with torch.no_grad():
        assert torch.equal(module.eval()(x, q), kept(x, q))
        branch, whole = module.train()(x, q) - x, kept(x, q) - x
    ratios = (branch * whole).sum((2, 3)) / whole.square().sum((2, 3))
    dropped = ratios.abs() < 1e-3
    assert (dropped | ((ratios - 4 / 3).abs() < 1e-3)).all()
    assert 0.1 < dropped.float().mean() < 0.45


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"text_channels": 0}, "text_channels=0 does not fit"),
        ({"channel": False, "spatial": False}, "leave no gate to take the sentence"),
        ({"reduction_ratio": 13}, "reduction_ratio=13 does not fit in_channels=12"),
    ],
)
def test_options_that_do_not_fit_are_named(options, expected):
    with pytest.raises(ValueError, match=expected):
        LanguageConditionedAttention(**{"in_channels": 12, "text_channels": TEXT, **options})


@pytest.mark.parametrize("kind", [LanguageConditionedAttention, FiLM])
@pytest.mark.parametrize("shape", [(2, TEXT + 1), (3, TEXT), (1, TEXT), (TEXT,), (2, TEXT, 1)])
def test_sentences_of_another_shape_are_refused(kind, shape):
    module = kind(16, TEXT)
    with pytest.raises(ValueError, match=r"expected \(2, 5\): an embedding for each picture"):
        module(torch.randn(2, 16, 4, 4), torch.randn(shape))


def test_film_is_its_formula():
    torch.manual_seed(0)
    module = FiLM(6, TEXT, zero_init=False).double()
    x, q = pictures_and_words(channels=6, size=(3, 4), dtype=torch.float64)
    y, weight, bias = module(x, q), *module.parameters()
    for n in range(2):
        told = [sum(weight[i, t] * q[n, t] for t in range(TEXT)) + bias[i] for i in range(12)]
        for c in range(6):
            expected = (1 + told[c]) * x[n, c] + told[6 + c]
            assert (y[n, c] - expected).abs().max() < 1e-12
    assert torch.equal(module(x), x)
    tensors = (x.requires_grad_(), q.requires_grad_(), *module.parameters())
    assert torch.autograd.gradcheck(lambda x, q, *_: module(x, q), tensors)


def test_film_starts_as_the_identity_and_learns_at_once():
    module = build_attention({"type": "FiLM", "text_channels": TEXT}, 6, zero_init=True)
    x, q = pictures_and_words(channels=6)
    assert torch.equal(module(x, q), x)
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    module.init_weights()
    assert torch.equal(module(x, q), x)
    module(x, q).square().mean().backward()
    assert all(p.grad.all() for p in module.parameters())
