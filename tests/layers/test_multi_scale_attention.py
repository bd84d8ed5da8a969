"""The attention module against the article's formula, and where naive forms break."""

import copy

import numpy as np
import pytest
import torch
from references import multi_scale_attention
from torch import nn

from msa_backbone import MultiScaleAttention
from msa_backbone.layers import spatial_statistics
from msa_backbone.ops import select_form
from msa_backbone.ops.cpu import packed_conv, read

PUBLISHED_NAMES = {
    f"{layer}.{tensor}"
    for layer in (
        *("conv1x1", "conv3x3", "conv5x5", "fusion_conv"),
        *("channel_attention.1", "channel_attention.3", "spatial_attention.0"),
    )
    for tensor in ("weight", "bias")
}


INTERPRETED = pytest.param("kernels", marks=pytest.mark.slow)  # minutes in Triton's interpreter


@pytest.fixture(params=["plain", "cpu", INTERPRETED], autouse=True)
def form(request, monkeypatch) -> str:
    """Every test here runs in all forms; the maps are small, and so are their blocks."""
    monkeypatch.setattr(MultiScaleAttention, "plain", request.param == "plain")
    monkeypatch.setattr(select_form, "_pays", lambda locations, hidden: True)
    for name, value in {"BLOCK_ELEMENTS": 100, "ENOUGH_LOCATIONS": 1, "LARGE_MAP": 1}.items():
        monkeypatch.setattr(read, name, value)
    monkeypatch.setattr(packed_conv, "ENOUGH_LOCATIONS", 1)
    if request.param == "kernels":
        request.getfixturevalue("interpreted_kernels")
    return request.param


def build(channels: int, ratio: int, seed: int = 0, **options) -> MultiScaleAttention:
    torch.manual_seed(seed)
    return MultiScaleAttention(channels, ratio, **{"zero_init": False, **options})


def gradients(function, module: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Output, then the gradients of a fixed weighted sum of it for x and for each parameter."""
    x = x.detach().requires_grad_()
    y = function(x)
    weights = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).reshape(y.shape).to(y.dtype)
    return [y.detach(), *torch.autograd.grad((y * weights).sum(), [x, *module.parameters()])]


@pytest.mark.parametrize(("channel", "spatial"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("size", [(5, 7), (1, 1), (1, 9), (8, 8)])
@pytest.mark.parametrize(("channels", "ratio"), [(8, 2), (10, 4), (7, 3), (64, 16), (5, 5), (2, 1)])
def test_equals_the_published_formula(channels, ratio, size, channel, spatial):
    module = build(channels, ratio, channel=channel, spatial=spatial).double()
    x = 3 * torch.randn(2, channels, *size, dtype=torch.float64) + 1
    expected = multi_scale_attention(dict(module.named_parameters()), x, channel, spatial)
    assert (expected - x).abs().max() > 1e-3
    assert (module(x) - expected).abs().max() < 1e-10


def test_multi_scale_only_is_the_formula_without_gates():
    module = build(12, 4, channel=False, spatial=False).double()
    x = torch.randn(2, 12, 6, 5, dtype=torch.float64)
    expected = multi_scale_attention(module.state_dict(), x, channel=False, spatial=False)
    assert (module(x) - expected).abs().max() < 1e-10
    assert not any("attention" in name for name in module.state_dict())


def test_names_are_the_published_ones_and_load_strictly():
    assert set(build(32, 16).state_dict()) == PUBLISHED_NAMES
    source, target = build(32, 16, seed=1), build(32, 16, seed=2)
    target.load_state_dict(source.state_dict())
    x = torch.randn(1, 32, 4, 4)
    assert torch.equal(source(x), target(x))
    assert torch.equal(copy.deepcopy(source)(x), source(x))


@pytest.mark.parametrize(("channel", "spatial"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("size", [(5, 7), (1, 1), (8, 8)])
def test_normalised_gates_equal_their_formula_and_see_no_scale(size, channel, spatial, form):
    options = {"channel": channel, "spatial": spatial, "gate_norm": True}
    module = build(12, 3, **options).double()
    x = 3 * torch.randn(2, 12, *size, dtype=torch.float64) + 1
    expected = multi_scale_attention(dict(module.named_parameters()), x, **options)
    assert (expected - x).abs().max() > 1e-3
    assert (module(x) - expected).abs().max() < 1e-10
    published = multi_scale_attention(dict(module.named_parameters()), x, channel, spatial)
    assert (expected - published).abs().max() > 1e-4
    if channel:
        assert (module.channel_weights(1e4 * x) - module.channel_weights(x)).abs().max() < 1e-10
    if spatial:
        assert (module.spatial_weights(1e4 * x) - module.spatial_weights(x)).abs().max() < 1e-10
    zeros = torch.zeros(1, 12, 4, 4, dtype=torch.float64)
    assert all(g.isfinite().all() for g in gradients(module, module, zeros))
    half = module.half()((3e4 * torch.rand(1, 12, 7, 7)).half())
    assert half.isfinite().all()


def test_normalised_gates_take_the_fast_forms(form):
    module = build(16, 4, gate_norm=True)
    if form != "plain":
        assert select_form.form_for(module, torch.randn(1, 16, 6, 6)) == form


@pytest.mark.parametrize("gate_norm", [False, True])
@pytest.mark.parametrize(("channel", "spatial"), [(True, True), (False, False)])
def test_gradcheck(channel, spatial, gate_norm, form):
    module = build(6, 3, channel=channel, spatial=spatial, gate_norm=gate_norm).double()
    fast = form == "kernels"  # Triton's interpreter takes its time
    size = (1, 6, 2, 3) if fast else (2, 6, 3, 4)
    x = torch.randn(size, dtype=torch.float64, requires_grad=True)
    tensors = (x, *module.parameters())
    assert torch.autograd.gradcheck(lambda x, *_: module(x), tensors, fast_mode=fast)


@pytest.mark.parametrize("locations", ["some", "all"])
def test_gradients_are_finite_at_zero_locations(locations):
    module, x = build(16, 4), torch.randn(2, 16, 6, 6)
    x[:, :, : 6 if locations == "all" else 2] = 0
    assert all(g.isfinite().all() for g in gradients(module, module, x))
    x = torch.zeros(1, 4, 2, 2, requires_grad=True)
    spatial_statistics(x)[:, 2].sum().backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


@pytest.mark.parametrize("mean", [0.0, 100.0, -100.0])
def test_deviation_does_not_cancel_at_a_large_mean(mean):
    x = mean + torch.randn(2, 256, 5, 5, generator=torch.Generator().manual_seed(0))
    expected = x.double().std(dim=1)
    assert ((spatial_statistics(x)[:, 2] - expected) / expected).abs().max() < 1e-5


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.half, 1e-3), (torch.bfloat16, 8e-3)])
@pytest.mark.parametrize("channels", [64, 512])
def test_sixteen_bits_stay_finite_at_30000(dtype, tolerance, channels):
    module = build(channels, 16).to(dtype)
    x = (3e4 * torch.rand(2, channels, 7, 7)).to(dtype)
    x[0] = 3e4
    statistics, exact = spatial_statistics(x), x.double()
    for index, expected in enumerate((exact.amax(1), exact.mean(1), exact.std(1))):
        assert (statistics[:, index] - expected).abs().max() <= tolerance * 3e4
    assert statistics.dtype == dtype
    y = module(x.requires_grad_())
    y.float().mean().backward()
    for tensor in (y, x.grad, *(p.grad for p in module.parameters())):
        assert tensor.dtype == dtype and tensor.isfinite().all()


@pytest.mark.parametrize("mean", [0.0, 100.0])
def test_float32_is_as_near_float64_as_the_naive_form(mean, form):
    """In the root mean square of several draws: in one alone, either form can be lucky."""
    errors = {"ours": [], "published": []}
    draws, height = (5, 5) if form == "kernels" else (10, 12)  # the interpreter takes its time
    for seed in range(draws):
        module = build(64, 8, seed)
        x = mean + torch.randn(2, 64, height, 10, generator=torch.Generator().manual_seed(seed))
        parameters = dict(module.named_parameters())
        published = gradients(lambda x: multi_scale_attention(parameters, x), module, x)  # noqa: B023
        ours = gradients(module, module, x)
        exact_module = copy.deepcopy(module).double()
        exact = gradients(
            lambda x: multi_scale_attention(dict(exact_module.named_parameters()), x),  # noqa: B023
            exact_module,
            x.double(),
        )
        for name, values in (("ours", ours), ("published", published)):
            errors[name].append(
                [float((v - e).norm() / e.norm()) for v, e in zip(values, exact, strict=True)]
            )
    ours, published = (np.sqrt(np.square(errors[n]).mean(0)) for n in ("ours", "published"))
    for name, mine, allowed in zip(["y", "x", *parameters], ours, published, strict=True):
        assert mine <= 3 * allowed + 1e-7, name


def test_one_channel_is_finite_and_its_deviation_zero():
    module, x = build(1, 1), torch.randn(2, 1, 5, 5)
    assert torch.equal(spatial_statistics(x)[:, 2], torch.zeros(2, 5, 5))
    assert all(t.isfinite().all() for t in gradients(module, module, x))


def test_every_parameter_learns_and_at_identity_only_the_fusion_does():
    x = torch.randn(2, 32, 6, 6)
    for zero_init in (False, True):
        module = build(32, 4, zero_init=zero_init)
        moving = {
            name
            for (name, _), grad in zip(
                module.named_parameters(), gradients(module, module, x)[2:], strict=True
            )
            if grad.any()
        }
        fusion = {"fusion_conv.weight", "fusion_conv.bias"}
        assert moving == (fusion if zero_init else PUBLISHED_NAMES)


def test_zero_init_is_the_identity_and_init_weights_restores_it():
    module, x = build(16, 4, zero_init=True), torch.randn(2, 16, 5, 5)
    assert torch.equal(module(x), x)
    nn.init.normal_(module.fusion_conv.weight)
    nn.init.ones_(module.fusion_conv.bias)
    assert not torch.equal(module(x), x)
    module.init_weights()
    assert torch.equal(module(x), x)
    trained = build(16, 4)
    before = copy.deepcopy(trained.state_dict())
    trained.init_weights()
    assert all(torch.equal(before[n], t) for n, t in trained.state_dict().items())


@pytest.mark.parametrize("ratio", [0, -1, 17, 32])
def test_ratio_that_does_not_fit_is_named_with_the_channels(ratio):
    with pytest.raises(ValueError, match=rf"reduction_ratio={ratio} .*in_channels=16\b") as caught:
        MultiScaleAttention(16, ratio)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_trains_in_mixed_dtypes(dtype):
    module, x = build(32, 4), torch.randn(2, 32, 8, 8)
    exact = module(x).detach()
    with torch.autocast("cpu", torch.bfloat16):
        y = module(x.to(dtype).requires_grad_())
    assert (y - exact).abs().max() < 0.03 * exact.abs().max()
    y.float().square().mean().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad.dtype == torch.float32, name
        assert parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_channels_last_is_kept_and_changes_nothing():
    module, x = build(32, 4), torch.randn(2, 32, 9, 7)
    expected = module(x)
    y = module.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert (y - expected).abs().max() < 1e-5


def test_gates_lie_between_zero_and_one():
    module, x = build(16, 4), 5 * torch.randn(2, 16, 6, 4)
    channel, spatial = module.channel_weights(x), module.spatial_weights(x)
    assert channel.shape == (2, 16, 1, 1) and spatial.shape == (2, 1, 6, 4)
    for gate in (channel, spatial):
        assert 0 < gate.min() < gate.max() < 1
    expected = x + module.multi_scale_features(x) * channel * spatial
    assert torch.allclose(module(x), expected, atol=1e-6)


@pytest.mark.parametrize("channel", [True, False])
@pytest.mark.parametrize("spatial", [True, False])
def test_all_forms_drop_the_same(channel, spatial):
    options = {"channel": channel, "spatial": spatial, "dropout": 0.3, "drop_path": 0.3}
    module, x = build(16, 4, **options), torch.randn(8, 16, 6, 5)

    def train_step() -> list[torch.Tensor]:
        torch.manual_seed(1)
        return gradients(module, module, x)

    dropped = train_step()
    module.plain = True
    for found, expected in zip(dropped, train_step(), strict=True):
        assert (found - expected).abs().max() < 1e-5 * max(1, expected.abs().max())
    assert ((dropped[0] - x).abs().amax((2, 3)) == 0).any(dim=1).all()
