"""The passes in blocks: equal to the formula for every shape, and out of the way of tracers."""

import copy
import shutil
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from references import multi_scale_attention
from torch import nn

from msa_backbone import MSAVGG, MultiScaleAttention
from msa_backbone.layers import blockwise, dispatch

FORMATS = (torch.contiguous_format, torch.channels_last)


@pytest.fixture
def calls(monkeypatch) -> list:
    """The shapes that `read` was called with."""
    seen, read = [], blockwise.read
    monkeypatch.setattr(
        blockwise, "read", lambda x, *a, **k: seen.append(tuple(x.shape)) or read(x, *a, **k)
    )
    return seen


def build(channels: int, ratio: int, seed: int = 0, **options) -> MultiScaleAttention:
    torch.manual_seed(seed)
    return MultiScaleAttention(channels, ratio, **{"zero_init": False, **options})


def published(module: nn.Module):
    """The oracle with a module's parameters."""
    return lambda x: multi_scale_attention(dict(module.named_parameters()), x)


def output_and_gradients(function, tensors, seed: int = 0) -> list[torch.Tensor]:
    y = function(tensors[0])
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(seed), dtype=y.dtype)
    return [y.detach(), *torch.autograd.grad(y, tensors, weights)]


@settings(max_examples=60, deadline=None)
@given(
    samples=st.integers(1, 3),
    channels=st.integers(1, 24),
    ratio=st.integers(1, 8),
    height=st.integers(1, 23),
    width=st.integers(1, 23),
    block=st.integers(1, 3000),
    memory_format=st.sampled_from(FORMATS),
    channel=st.booleans(),
    spatial=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_shape_equals_the_published_formula(
    samples, channels, ratio, height, width, block, memory_format, channel, spatial, seed
):
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
    before = blockwise.BLOCK_ELEMENTS, dispatch._blocks_pay
    try:
        blockwise.BLOCK_ELEMENTS, dispatch._blocks_pay = block, lambda *_: True
        found = output_and_gradients(module, tensors)
        with torch.no_grad():
            assert (module(x) - expected[0]).abs().max() < 1e-10
    finally:
        blockwise.BLOCK_ELEMENTS, dispatch._blocks_pay = before
    for mine, published in zip(found, expected, strict=True):
        assert (mine - published).norm() <= 1e-10 * (1 + published.norm())
    assert found[0].is_contiguous(memory_format=memory_format)
    assert found[1].is_contiguous(memory_format=memory_format)


@settings(max_examples=8, deadline=None)
@given(
    channels=st.sampled_from([16, 24, 64]),
    size=st.tuples(st.integers(16, 30), st.integers(16, 30)),
    mean=st.sampled_from([0.0, 3.0, 30.0]),
    relu=st.booleans(),
)
def test_float32_is_as_near_float64_as_the_published_form(channels, size, mean, relu):
    errors = {"ours": [], "published": []}
    for seed in range(9):
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


@pytest.mark.parametrize("size", [(5, 9), (8, 4), (1, 1), (3, 2)])
def test_convolving_neighbours_together_changes_nothing(size):
    torch.manual_seed(0)
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(1, 3, 7, 7, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(1, dtype=torch.float64, requires_grad=True)
    tensors = [x, weight, bias]
    found = output_and_gradients(lambda x: blockwise.convolve_to_one(x, weight, bias), tensors)
    expected = output_and_gradients(lambda x: F.conv2d(x, weight, bias, padding=3), tensors)
    for mine, truth in zip(found, expected, strict=True):
        assert (mine - truth).abs().max() < 1e-12


def test_equal_maxima_share_the_gradient():
    module, x = build(4, 2).double(), torch.zeros(1, 4, 20, 20, dtype=torch.float64)
    x[0, 1:3] = 2.0  # two of four channels are the maximum everywhere
    x.requires_grad_()
    kernels = module.conv1x1.weight, module.conv3x3.weight, module.conv5x5.weight
    statistics = blockwise.read(x, kernels, None, statistics=True)[2]
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
    big, small = torch.randn(1, 64, 32, 32), torch.randn(1, 64, 15, 15)
    module(big)
    assert calls.pop() == (1, 64, 32, 32)
    with torch.no_grad():
        module(big)
        assert calls.pop() == (1, 64, 32, 32)
        module(big[..., :31])
        build(64, 4)(big)  # 16 outputs a branch
    module(small)
    with torch.autocast("cpu", torch.bfloat16):
        module(big)
    module.to(torch.bfloat16)(big.to(torch.bfloat16))
    assert not calls


def test_parts_that_something_hangs_on_are_called(calls):
    """Hooks, and other modules in the place of ours, such as adapters."""
    module, x = build(16, 4), torch.randn(1, 16, 20, 20)
    expected, seen = module(x), []
    assert calls
    calls.clear()
    for part in (module.conv5x5, module.fusion_conv, module.spatial_attention[1]):
        handle = part.register_forward_hook(lambda *_: seen.append(1))
        assert (module(x) - expected).abs().max() < 1e-5
        handle.remove()
    assert len(seen) == 3 and not calls

    class Adapter(nn.Module):
        def __init__(self, base: nn.Conv2d) -> None:
            super().__init__()
            self.base, self.weight, self.bias = base, base.weight, base.bias

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.base(x) + 1

    module.conv3x3 = Adapter(module.conv3x3)
    assert not torch.allclose(module(x), expected, atol=1e-3)
    module = build(16, 4)
    torch.nn.utils.parametrizations.weight_norm(module.conv5x5)
    module(x)
    assert not calls
    module = build(16, 4)
    module.register_forward_hook(lambda *_: seen.append(1))
    module(x)
    assert len(seen) == 4 and calls == [(1, 16, 20, 20)]


def test_a_second_derivative_is_refused_and_has_a_way(monkeypatch):
    module, x = build(8, 4).double(), torch.randn(1, 8, 16, 16, dtype=torch.float64)
    x.requires_grad_()
    gradient = torch.autograd.grad(module(x).square().sum(), x, create_graph=True)[0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
    monkeypatch.setattr(dispatch, "ENABLED", False)
    gradient = torch.autograd.grad(module(x).square().sum(), x, create_graph=True)[0]
    gradient.sum().backward()
    assert x.grad.isfinite().all() and x.grad.any()


def test_tracers_see_the_plain_form(calls):
    module, x = build(16, 4).eval(), torch.randn(2, 16, 33, 40)
    with torch.no_grad():
        expected = module(x)
        assert calls
        calls.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the TorchScript tracer is deprecated
            traced = torch.jit.trace(module, x, check_trace=False)
        exported = torch.export.export(module, (x,)).module()
        symbolic = torch.fx.symbolic_trace(module)
        for form in (traced, exported, symbolic):
            assert (form(x) - expected).abs().max() < 1e-5
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


def test_fused_gives_the_same_until_the_weights_change(calls):
    module, x = build(32, 8), torch.randn(1, 32, 40, 40)
    before = list(module.state_dict())
    with torch.no_grad():
        expected = module(x)
        fused = copy.deepcopy(module).fuse()
        assert not fused.training and list(fused.state_dict()) == before
        assert (fused(x) - expected).abs().max() < 1e-5
        other = build(32, 8, seed=1)
        fused.load_state_dict(other.state_dict())
        assert (fused(x) - other(x)).abs().max() < 1e-5
        fused.fuse().train()
        fused.conv5x5.weight.mul_(3)
        assert fused.fused_taps is None
        assert not torch.allclose(fused(x), other(x), atol=1e-3)
        double = copy.deepcopy(module).fuse().double()
        assert (double(x.double()) - expected).abs().max() < 1e-5
    assert len(calls) == 7


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
