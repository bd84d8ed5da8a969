"""The passes on CPUs: equal to the formula for every shape, and out of the way of tracers."""

import copy
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torch.nn.utils.prune
from hypothesis import given, settings
from hypothesis import strategies as st
from references import multi_scale_attention, output_and_gradients
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from msa_backbone import MSAVGG, MultiScaleAttention
from msa_backbone.ops import select_form
from msa_backbone.ops.cpu import forward as cpu_forward
from msa_backbone.ops.cpu import packed_conv
from msa_backbone.ops.cpu import read as cpu_read

FORMATS = (torch.contiguous_format, torch.channels_last)


@pytest.fixture
def calls(monkeypatch) -> list:
    """The shapes that `read` was called with."""
    seen, read = [], cpu_read.read
    monkeypatch.setattr(
        cpu_forward, "read", lambda x, *a, **k: seen.append(tuple(x.shape)) or read(x, *a, **k)
    )
    return seen


def build(channels: int, ratio: int, seed: int = 0, **options) -> MultiScaleAttention:
    torch.manual_seed(seed)
    return MultiScaleAttention(channels, ratio, **{"zero_init": False, **options})


def published(module: nn.Module):
    """The oracle with a module's parameters."""
    return lambda x: multi_scale_attention(dict(module.named_parameters()), x)


@contextmanager
def everywhere(block: int = 100, large: int = 1, enough: int = 1) -> Iterator[None]:
    """Maps of all sizes are served, in blocks of few elements, packed and by their taps."""
    values = {
        (select_form, "_pays"): lambda *_: True,
        (cpu_read, "BLOCK_ELEMENTS"): block,
        (cpu_read, "LARGE_MAP"): large,
        (cpu_read, "ENOUGH_LOCATIONS"): enough,
        (packed_conv, "ENOUGH_LOCATIONS"): enough,
    }
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), value in values.items():
            patch.setattr(module, name, value)
        yield


@settings(max_examples=80, deadline=None)
@given(
    samples=st.integers(1, 3),
    channels=st.integers(1, 24),
    ratio=st.integers(1, 8),
    height=st.integers(1, 23),
    width=st.integers(1, 23),
    block=st.integers(1, 3000),
    large=st.sampled_from([1, 2**22]),
    enough=st.sampled_from([1, 2**22]),
    memory_format=st.sampled_from(FORMATS),
    channel=st.booleans(),
    spatial=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_shape_equals_the_published_formula(
    samples, channels, ratio, height, width, block, large, enough, memory_format, channel, spatial,
    seed,
):  # fmt: skip
    # The deviation of one channel is NaN in the published form; of two it has kinks.
    channels = max(channels, 3) if spatial else channels
    module = build(channels, min(ratio, channels), seed, channel=channel, spatial=spatial).double()
    x = torch.randn(samples, channels, height, width, dtype=torch.float64)
    x = x.contiguous(memory_format=memory_format).requires_grad_()
    tensors = [x, *module.parameters()]
    parameters = dict(module.named_parameters())
    expected = output_and_gradients(
        lambda x: multi_scale_attention(parameters, x, channel, spatial), tensors
    )
    with everywhere(block, large, enough):
        assert select_form.form_for(module, x) == "cpu"
        found = output_and_gradients(module, tensors)
        with torch.no_grad():
            assert (module(x) - expected[0]).abs().max() < 1e-10
    for mine, published in zip(found, expected, strict=True):
        assert (mine - published).norm() <= 1e-10 * (1 + published.norm())
    assert found[0].is_contiguous(memory_format=memory_format)
    assert found[1].is_contiguous(memory_format=memory_format)


@pytest.mark.parametrize("enough", [1, 2**22])
@pytest.mark.parametrize("trained", ["x", "fusion_conv", "conv5x5", "spatial_attention"])
def test_frozen_parts_cost_nothing_and_change_nothing(trained, enough):
    module = build(16, 4).double()
    x = torch.randn(2, 16, 9, 10, dtype=torch.float64, requires_grad=trained == "x")
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name.startswith(trained))
    tensors = [x] if trained == "x" else [p for p in module.parameters() if p.requires_grad]
    parameters = dict(module.named_parameters())
    expected = torch.autograd.grad(multi_scale_attention(parameters, x).square().sum(), tensors)
    with everywhere(enough=enough):
        found = torch.autograd.grad(module(x).square().sum(), tensors)
    for mine, published in zip(found, expected, strict=True):
        assert (mine - published).norm() <= 1e-10 * (1 + published.norm())


@settings(max_examples=8, deadline=None)
@given(
    channels=st.sampled_from([16, 24, 64]),
    size=st.tuples(st.integers(16, 30), st.integers(16, 30)),
    mean=st.sampled_from([0.0, 3.0, 30.0, 300.0]),
    relu=st.booleans(),
)
def test_float32_is_as_near_float64_as_the_published_form(channels, size, mean, relu):
    errors = {"ours": [], "published": []}
    for seed in range(27):
        module = build(channels, 8, seed)
        x = mean + torch.randn(1, channels, *size, generator=torch.Generator().manual_seed(seed))
        x = (x.relu() if relu else x).requires_grad_()
        exact = copy.deepcopy(module).double()

        exact_x = x.detach().double().requires_grad_()
        truth = output_and_gradients(published(exact), [exact_x, *exact.parameters()])
        weights = [x, *module.parameters()]
        for name, function in (("ours", module), ("published", published(module))):
            y = function(x)
            draws = torch.randn(
                y.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
            )
            found = [y.detach(), *torch.autograd.grad(y, weights, draws.float())]
            errors[name].append(
                [
                    float((f - t).norm() / (t.norm() + 1e-9))
                    for f, t in zip(found, truth, strict=True)
                ]
            )
    # The median draw: where a sum cancels, one draw alone says how lucky either form was.
    ours, naive = (np.median(errors[name], axis=0) for name in ("ours", "published"))
    # Sums over locations run in another order: biases behind them get four roundings on top.
    assert (ours <= 3 * naive + 4 * torch.finfo(torch.float32).eps).all(), (ours, naive)


@pytest.mark.parametrize("neighbours", [2, 3, 4])
@pytest.mark.parametrize(("outputs", "kernel"), [(1, 7), (3, 5), (4, 3)])
@pytest.mark.parametrize("size", [(5, 9), (8, 4), (1, 1), (3, 2), (2, 12)])
def test_convolving_neighbours_together_changes_nothing(
    size, outputs, kernel, neighbours, monkeypatch
):
    monkeypatch.setattr(packed_conv, "ENOUGH_LOCATIONS", 1)
    monkeypatch.setattr(packed_conv, "neighbours_for", lambda outputs: neighbours)
    torch.manual_seed(0)
    for memory_format in FORMATS:
        x = torch.randn(2, 3, *size, dtype=torch.float64).contiguous(memory_format=memory_format)
        weight = torch.randn(outputs, 3, kernel, kernel, dtype=torch.float64, requires_grad=True)
        bias = torch.randn(outputs, dtype=torch.float64, requires_grad=True)
        tensors = [x.requires_grad_(), weight, bias]
        found = output_and_gradients(lambda x: packed_conv.convolve(x, weight, bias), tensors)  # noqa: B023
        expected = output_and_gradients(
            lambda x: F.conv2d(x, weight, bias, padding=kernel // 2),  # noqa: B023
            tensors,
        )
        for mine, truth in zip(found, expected, strict=True):
            assert (mine - truth).abs().max() < 1e-12


def test_neighbours_fill_the_vectors(monkeypatch):
    for capability, expected in (("AVX512", [4, 4, 2, 1, 1]), ("AVX2", [4, 2, 1, 1, 1])):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda c=capability: c)
        assert [packed_conv.neighbours_for(outputs) for outputs in (1, 4, 8, 16, 64)] == expected


@pytest.mark.parametrize("memory_format", FORMATS)
def test_gradients_have_the_strides_of_their_weights(memory_format):
    """DistributedDataParallel copies and warns otherwise."""
    module = build(16, 4).to(memory_format=memory_format)
    weights = module.conv1x1.weight, module.conv3x3.weight, module.conv5x5.weight
    with everywhere():
        loss = module(torch.randn(1, 16, 8, 8)).sum()
    for weight, grad in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        assert grad.stride() == weight.stride()


def test_equal_maxima_share_the_gradient():
    module, x = build(4, 2).double(), torch.zeros(1, 4, 20, 20, dtype=torch.float64)
    x[0, 1:3] = 2.0  # two of four channels are the maximum everywhere
    x.requires_grad_()
    kernels = module.conv1x1.weight, module.conv3x3.weight, module.conv5x5.weight
    statistics = cpu_read.read(x, kernels, statistics=True)[2]
    gradient = torch.autograd.grad(statistics[:, 0].sum(), x)[0]
    expected = torch.tensor([0, 0.5, 0.5, 0], dtype=torch.float64)
    assert torch.equal(gradient, expected[None, :, None, None].expand_as(x))


def test_odd_strides_and_expanded_gradients(calls):
    module = build(16, 4).double()
    wide = torch.randn(2, 16, 20, 40, dtype=torch.float64)
    x = wide[..., ::2].requires_grad_()
    parameters = dict(module.named_parameters())
    for function in (torch.sum, lambda y: y.mean(dim=(2, 3)).sum()):
        mine = torch.autograd.grad(function(module(x)), [x, *module.parameters()])
        truth = torch.autograd.grad(
            function(multi_scale_attention(parameters, x)), [x, *module.parameters()]
        )
        for found, expected in zip(mine, truth, strict=True):
            assert (found - expected).norm() <= 1e-10 * (1 + expected.norm())
    assert calls == [(2, 16, 20, 20)] * 2
    assert module(x[:0]).shape == (0, 16, 20, 20)


def test_it_is_taken_where_it_pays_and_only_there(calls):
    module = build(64, 16)
    big, small = torch.randn(1, 64, 64, 64), torch.randn(1, 64, 15, 15)
    module(big)
    module(big[..., :16, :16])
    assert calls == [(1, 64, 64, 64), (1, 64, 16, 16)]
    calls.clear()
    with torch.no_grad():
        module(big)
        assert calls.pop() == (1, 64, 64, 64)
        module(big[..., :63])
        build(64, 4)(big)  # 16 outputs a branch
    module(small)
    with torch.autocast("cpu", torch.bfloat16):
        module(big)
    module.to(torch.bfloat16)(big.to(torch.bfloat16))
    assert not calls


class Adapter(nn.Module):
    """What adapters for fine-tuning do: a wrapper that shows the weights of what it wraps."""

    def __init__(self, base: nn.Conv2d) -> None:
        super().__init__()
        self.base, self.weight, self.bias = base, base.weight, base.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.base(x) + 1


class Ungated(MultiScaleAttention):
    def spatial_weights(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x[:, :1])


def change_forward(module: MultiScaleAttention) -> None:
    conv = module.conv3x3
    conv.forward = lambda x: nn.Conv2d.forward(conv, x) + 1


CHANGES = {
    "adapter": lambda m: setattr(m, "conv3x3", Adapter(m.conv3x3)),
    "forward": change_forward,
    "padding": lambda m: setattr(m.conv5x5, "padding_mode", "circular"),
    "dilation": lambda m: (
        setattr(m.conv3x3, "dilation", (2, 2)),
        setattr(m.conv3x3, "padding", (2, 2)),
    ),
    "no bias": lambda m: setattr(m.conv1x1, "bias", None),
    "other gate": lambda m: m.spatial_attention.__setitem__(1, nn.ReLU()),
    "deeper gate": lambda m: m.spatial_attention.insert(1, nn.Conv2d(1, 1, 3, padding=1)),
    "other pool": lambda m: m.channel_attention.__setitem__(0, nn.AdaptiveMaxPool2d(1)),
    "weight norm": lambda m: (
        torch.nn.utils.parametrizations.weight_norm(m.conv5x5),
        nn.init.constant_(m.conv5x5.parametrizations.weight.original0, 3.0),
    ),
    "a strided bias": lambda m: setattr(
        m.conv3x3, "bias", nn.Parameter(torch.ones(4, 2).cumsum(1)[:, 1])
    ),
    "another gate's activation": lambda m: (
        m.channel_attention.__setitem__(2, nn.Tanh()),
        nn.init.constant_(m.channel_attention[1].bias, -1.0),
    ),
    "pruned": lambda m: (
        torch.nn.utils.prune.l1_unstructured(m.conv5x5, "weight", 0.5),
        nn.init.constant_(m.conv5x5.weight_orig, 0.3),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_parts_are_called(change, calls):
    torch.manual_seed(0)
    module, x = build(16, 4), torch.randn(1, 16, 20, 20)
    before = module(x)
    assert calls.pop() == x.shape
    change(module)
    found = module(x)
    branch = module.multi_scale_features(x)
    expected = x + branch * module.channel_weights(x) * module.spatial_weights(x)
    assert (found - expected).abs().max() < 1e-5
    assert (found - before).abs().max() > 1e-3
    assert not calls


class Mixin:
    def spatial_weights(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x[:, :1])


class Mixed(Mixin, MultiScaleAttention):
    pass


@pytest.mark.parametrize("kind", [Ungated, Mixed])
def test_a_subclass_with_another_formula_is_called(kind, calls):
    x = torch.randn(1, 16, 20, 20)
    assert torch.equal(kind(16, 4, zero_init=False)(x), x)
    module = build(16, 4)
    module.spatial_weights = lambda x: torch.zeros_like(x[:, :1])
    assert torch.equal(module(x), x)
    assert not calls


def test_a_backward_pass_inside_autocast_changes_nothing(calls):
    module, x = build(16, 4), torch.randn(1, 16, 20, 20)
    parameters = list(module.parameters())
    expected = torch.autograd.grad(module(x).square().mean(), parameters)
    loss = module(x).square().mean()
    with torch.autocast("cpu", torch.bfloat16):
        found = torch.autograd.grad(loss, parameters)
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
    assert len(calls) == 2


def test_deviations_of_channels_that_vary_little_have_exact_gradients():
    module = build(32, 4)
    x = (1 + 1e-4 * torch.randn(1, 32, 20, 20)).requires_grad_()
    kernels = module.conv1x1.weight, module.conv3x3.weight, module.conv5x5.weight
    exact = x.detach().double().requires_grad_()
    truth = output_and_gradients(lambda x: x.std(dim=1), [exact])[1]
    with everywhere():
        found = output_and_gradients(lambda x: cpu_read.read(x, kernels, True)[2][:, 2], [x])[1]
    assert (found - truth).norm() <= 1e-6 * truth.norm()


def test_hooks_on_parts_are_called(calls):
    module, x, seen = build(16, 4), torch.randn(1, 16, 20, 20, requires_grad=True), []
    expected = module(x)
    assert calls.pop() == x.shape
    for part in (module.conv5x5, module.fusion_conv, module.spatial_attention[1]):
        for register in ("forward_hook", "forward_pre_hook", "full_backward_hook"):
            handle = getattr(part, f"register_{register}")(lambda *_: seen.append(1))
            y = module(x)
            y.sum().backward()
            assert (y - expected).abs().max() < 1e-5
            handle.remove()
            assert len(seen) == 1 and not calls
            seen.clear()
    handle = nn.modules.module.register_module_forward_hook(lambda m, *_: seen.append(m))
    module(x)
    handle.remove()
    assert module.conv5x5 in seen and not calls
    module.register_forward_hook(lambda *_: seen.append(1))
    module(x)
    assert seen[-1] == 1 and calls == [x.shape]


def test_counters_of_operations_see_all_of_them():
    module, x = build(64, 16), torch.randn(1, 64, 32, 32)
    locations, hidden = 32 * 32, 4
    with FlopCounterMode(display=False) as counter:
        module(x)
    convs = locations * (64 * hidden * 35 + 3 * hidden * 64 + 3 * 49)
    assert counter.get_total_flops() == 2 * (convs + 2 * 64 * hidden)


def test_channels_that_do_not_fit_are_told_by_the_convolution():
    with pytest.raises(RuntimeError, match=r"expected input.* to have 16 channels"):
        build(16, 4)(torch.randn(1, 8, 20, 20))


@pytest.mark.parametrize("form", ["cpu", "kernels"])
def test_a_second_derivative_is_refused_and_has_a_way(form, request):
    if form == "kernels":
        request.getfixturevalue("interpreted_kernels")
    module, x = build(8, 4).double(), torch.randn(1, 8, 16, 16, dtype=torch.float64)
    x.requires_grad_()
    assert select_form.form_for(module, x) == form
    with pytest.raises(RuntimeError, match=r"no second derivative.* set module\.plain = True"):
        torch.autograd.grad(module(x).square().sum(), x, create_graph=True)
    module.plain = True
    gradient = torch.autograd.grad(module(x).square().sum(), x, create_graph=True)[0]
    gradient.sum().backward()
    assert x.grad.isfinite().all() and x.grad.any()


def test_tracers_see_the_plain_form(calls):
    module, x = build(16, 4).eval(), torch.randn(2, 16, 64, 65)
    with torch.no_grad():
        expected = module(x)
        assert calls
        calls.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the TorchScript tracer is deprecated
            traced = torch.jit.trace(module, x, check_trace=False)
            scripted = torch.jit.script(module)
        exported = torch.export.export(module, (x,)).module()
        symbolic = torch.fx.symbolic_trace(module)
        for form in (traced, scripted, exported, symbolic):
            assert (form(x) - expected).abs().max() < 1e-5
        with torch.autograd.forward_ad.dual_level():
            dual = torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))
            assert (module(dual) - expected).abs().max() < 1e-5
        assert torch.func.vmap(module)(x[:, None]).sub(expected[:, None]).abs().max() < 1e-5
    assert not calls
    assert any(node.target == "conv5x5" for node in symbolic.graph.nodes)


def test_onnx_runtime_agrees(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = MSAVGG(
        base_channels=8, attention={"type": "MultiScaleAttention", "reduction_ratio": 4},
        zero_init=False,
    ).eval()  # fmt: skip
    x = torch.randn(1, 3, 64, 96)
    path = tmp_path / "backbone.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (x,), path, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    for found, expected in zip(outputs, model(x), strict=True):
        assert (torch.from_numpy(found) - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler")
def test_compiled_equals_eager():
    module, x = build(32, 8), torch.randn(2, 32, 24, 20, requires_grad=True)
    tensors = [x, *module.parameters()]
    expected = output_and_gradients(module, tensors)
    found = output_and_gradients(torch.compile(module, fullgraph=True), tensors)
    for mine, truth in zip(found, expected, strict=True):
        assert (mine - truth).norm() <= 1e-5 * (1 + truth.norm())


@pytest.mark.parametrize("positions", ["conv", "pool"])
def test_a_fused_backbone_has_no_norms_and_the_same_outputs(positions):
    torch.manual_seed(0)
    model = MSAVGG(
        base_channels=16,
        norm_cfg={"type": "BN"},
        attention={"type": "MultiScaleAttention", "reduction_ratio": 4},
        attention_positions=positions,
        zero_init=False,
    )
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)
            norm.running_mean.uniform_(-0.3, 0.3)
            norm.running_var.uniform_(0.5, 1.5)
    x = torch.randn(1, 3, 96, 64)
    with torch.no_grad():
        expected = model.eval()(x)
        found = model.fuse()(x)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    for mine, truth in zip(found, expected, strict=True):
        assert (mine - truth).abs().max() <= 1e-5 * truth.abs().max()
