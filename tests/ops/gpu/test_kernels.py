"""The Triton kernels: against the formula in Triton's interpreter, and built for real GPUs."""

import copy
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from references import multi_scale_attention, output_and_gradients

from msa_backbone import MultiScaleAttention
from msa_backbone.ops import select_form
from msa_backbone.ops.gpu import limits

FORMATS = (torch.contiguous_format, torch.channels_last)


@pytest.fixture(autouse=True)
def _kernels(interpreted_kernels) -> None:
    """All tests here."""


@pytest.fixture
def calls(monkeypatch) -> list:
    """The shapes that `read` was called with."""
    from msa_backbone.ops.gpu import forward

    select_form._kernels_work(torch.device("cpu"))
    seen, read = [], forward.read
    monkeypatch.setattr(forward, "read", lambda x: seen.append(tuple(x.shape)) or read(x))
    return seen


def build(channels: int, ratio: int, seed: int = 0, **options) -> MultiScaleAttention:
    torch.manual_seed(seed)
    return MultiScaleAttention(channels, ratio, **{"zero_init": False, **options})


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    samples=st.integers(1, 3),
    channels=st.integers(3, 70),
    ratio=st.integers(1, 8),
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    tile=st.sampled_from([128, 512, 4096]),
    enough=st.sampled_from([1, 5, 1024]),
    large=st.sampled_from([1, 2**18]),
    rounds=st.sampled_from([0, 4]),
    memory_format=st.sampled_from(FORMATS),
    channel=st.booleans(),
    spatial=st.booleans(),
    gate_norm=st.booleans(),
    weights=st.sampled_from(FORMATS),
    seed=st.integers(0, 99),
)
def test_any_shape_equals_the_published_formula(
    samples, channels, ratio, height, width, tile, enough, large, rounds, memory_format, channel,
    spatial, gate_norm, weights, seed,
):  # fmt: skip
    from msa_backbone.ops.gpu import channel_gate, launch, read, spatial_gate

    options = {"channel": channel, "spatial": spatial, "gate_norm": gate_norm}
    module = build(channels, min(ratio, channels), seed, **options)
    module = module.to(torch.float64, memory_format=weights)
    x = torch.randn(samples, channels, height, width, dtype=torch.float64)
    x = x.contiguous(memory_format=memory_format).requires_grad_()
    tensors = [x, *module.parameters()]
    parameters = dict(module.named_parameters())
    expected = output_and_gradients(
        lambda x: multi_scale_attention(parameters, x, **options), tensors
    )
    sizes = [(read, "TILE_ELEMENTS", tile), (read, "BACKWARD_ELEMENTS", tile)]
    sizes += [(part, "ENOUGH_PROGRAMS", enough) for part in (launch, read)]
    sizes += [(spatial_gate, "LARGE_MAP", large), (channel_gate, "ROUNDS", rounds)]
    with pytest.MonkeyPatch.context() as patch:
        for size in sizes:
            patch.setattr(*size)
        assert select_form.form_for(module, x) == "kernels"
        found = output_and_gradients(module, tensors)
    for mine, published in zip(found, expected, strict=True):
        assert (mine - published).norm() <= 1e-10 * (1 + published.norm())
    assert found[0].is_contiguous(memory_format=memory_format)
    assert found[1].is_contiguous(memory_format=memory_format)


@pytest.mark.parametrize("memory_format", FORMATS)
def test_a_batch_equals_the_published_formula(memory_format):
    module = build(8, 2).double()
    x = torch.randn(2, 8, 5, 7, dtype=torch.float64).contiguous(memory_format=memory_format)
    tensors = [x.requires_grad_(), *module.parameters()]
    parameters = dict(module.named_parameters())
    expected = output_and_gradients(lambda x: multi_scale_attention(parameters, x), tensors)
    assert select_form.form_for(module, x) == "kernels"
    for mine, published in zip(output_and_gradients(module, tensors), expected, strict=True):
        assert (mine - published).norm() <= 1e-10 * (1 + published.norm())


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("memory_format", FORMATS)
def test_rounding_is_that_of_the_dtype(dtype, memory_format):
    """Over several inputs no further from float64 than three times the plain form.

    A gradient of one number, as the spatial gate's bias has, is right to the last bit now and then.
    """
    squares = []
    for seed in range(3):
        module = build(64, 8, seed).to(dtype)
        x = (1 + torch.randn(2, 64, 5, 9)).to(dtype).contiguous(memory_format=memory_format)
        exact_x = x.double().requires_grad_()
        exact = copy.deepcopy(module).double()
        parameters = dict(exact.named_parameters())
        truth = output_and_gradients(
            lambda x, parameters=parameters: multi_scale_attention(parameters, x),
            [exact_x, *exact.parameters()],
        )
        tensors = [x.requires_grad_(), *module.parameters()]
        mine = output_and_gradients(module, tensors)
        module.plain = True
        plain = output_and_gradients(module, tensors)
        assert {m.dtype for m in mine} == {dtype}
        errors = [
            ((m - t).square().sum(), (p - t).square().sum(), t.square().sum())
            for m, p, t in zip(mine, plain, truth, strict=True)
        ]
        squares.append(torch.tensor(errors, dtype=torch.float64))
    for mine, plain, truth in sum(squares).sqrt():
        assert mine <= 3 * plain + torch.finfo(dtype).eps * truth


@pytest.mark.parametrize("precision", ["ieee", "tf32"])
def test_the_precision_asked_for_is_read(precision):
    from msa_backbone.ops.gpu import launch

    conv = getattr(torch.backends.cudnn, "conv", None)
    if not hasattr(conv, "fp32_precision"):
        pytest.skip("this torch has allow_tf32 only")
    before = conv.fp32_precision
    try:
        conv.fp32_precision = precision
        expected = {"ieee": "ieee", "tf32": "tf32x3"}[precision]
        assert launch.product_precision(torch.zeros(1)) == expected
        assert launch.product_precision(torch.zeros(1, dtype=torch.float16)) == "ieee"
        build(16, 4)(torch.randn(1, 16, 4, 4))
    finally:
        conv.fp32_precision = before


@pytest.mark.parametrize("memory_format", FORMATS)  # channels_last: the kernels for few channels
def test_equal_maxima_share_the_gradient(memory_format):
    from msa_backbone.ops.gpu import forward

    x = torch.zeros(1, 4, 5, 5, dtype=torch.float64)
    x[0, 1:3] = 2.0  # two of four channels are the maximum everywhere
    x = x.contiguous(memory_format=memory_format).requires_grad_()
    module = build(4, 2).double()
    convs = module.conv1x1, module.conv3x3, module.conv5x5
    parameters = [conv.weight for conv in convs] + [conv.bias for conv in convs]
    y, scales, statistics, _ = forward._FirstPass.apply(x, x.dtype, True, *parameters)
    # The second pass gives y and the branches a gradient, always: here it is zero.
    total = statistics[:, 0].sum() + 0 * y.sum() + 0 * scales[:, :6].sum()
    gradient = torch.autograd.grad(total, x)[0]
    expected = torch.tensor([0, 0.5, 0.5, 0], dtype=torch.float64)
    assert torch.equal(gradient, expected[None, :, None, None].expand_as(x))


def test_nothing_of_the_size_of_x_is_stored_but_x(calls):
    """Beside it: the branches, maps of few channels, and weights."""
    module, x = build(64, 16), torch.randn(1, 64, 64, 64, requires_grad=True)
    kept = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        module(x)
    for tensor in (x, *module.parameters()):
        kept.pop(tensor.untyped_storage().data_ptr(), None)
    # 12 branch outputs, a one and three zeros, 3 statistics, the spatial gate: 20 of 64 channels.
    packed = 16 * 64 * 25 * 4
    assert 20 / 64 <= (sum(kept.values()) - packed) / x.nbytes < 20 / 64 + 0.02
    assert calls == [(1, 64, 64, 64)]


def test_a_weight_that_is_not_a_number_is_seen():
    module, x = build(16, 4), torch.randn(1, 16, 9, 9)
    module.channel_attention[1].weight.data[0, 0] = float("nan")
    assert select_form.form_for(module, x) == "kernels"
    assert module(x).isnan().all()


@pytest.mark.parametrize("memory_format", FORMATS)
def test_an_infinite_value_leaves_the_rest_of_its_sample_alone(memory_format):
    module = build(3, 1).double()
    x = torch.randn(1, 3, 8, 9, dtype=torch.float64)
    x[0, 1, 0, 8] = float("-inf")
    x = x.contiguous(memory_format=memory_format)
    found = module(x)
    assert found.isfinite().any()
    module.plain = True
    torch.testing.assert_close(found, module(x), equal_nan=True)


def test_a_hook_may_lay_out_anew_what_is_saved():
    """As `torch.autograd.graph.save_on_cpu(pin_memory=True)` does."""
    module = build(4, 2).double()
    x = torch.randn(2, 4, 4, 5, dtype=torch.float64).contiguous(memory_format=FORMATS[1])
    tensors = [x.requires_grad_(), *module.parameters()]
    expected = output_and_gradients(module, tensors)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.contiguous(), lambda t: t):
        found = output_and_gradients(module, tensors)
    for hooked, plain in zip(found, expected, strict=True):
        torch.testing.assert_close(hooked, plain)


def test_weights_of_another_dtype_or_device_are_told_by_the_plain_form():
    module, x = build(16, 4), torch.randn(1, 16, 9, 9)
    with pytest.raises(RuntimeError, match="should be the same"):
        module.half()(x)
    assert select_form.form_for(module.float().to("meta"), x) == "plain"


def test_maps_beyond_32_bits_are_left_to_others():
    """Three times 65 channels fit, the 200 that the branches are rounded up to do not."""
    module = build(65, 1)
    x = torch.zeros(1, 1, 1, 1).expand(1, 65, 3300, 3300)
    assert 195 * 3300**2 < 2**31 < limits.branch_outputs(65) * 3300**2
    assert select_form.form_for(module, x) != "kernels"
    assert select_form.form_for(module, x[:, :, :3000]) == "kernels"


def test_the_kernels_for_few_channels_are_for_what_they_can_count_and_share(monkeypatch):
    def few(samples: int) -> bool:
        x = torch.empty(samples, 2, 1024, 1024, dtype=torch.float16, device="meta")
        return limits.has_few_channels(x.to(memory_format=FORMATS[1]), 1, x.dtype)

    assert few(2**11 - 1) and not few(2**11)  # 2**31 locations
    # AMD's GPUs have no such property.
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: object())
    assert limits._shared_memory(torch.device("cuda", 99)) == 0


def test_sums_beyond_32_bits_are_found():
    """Those of many samples of small maps: here, of two parts. Pages of zeros take no memory."""
    import triton.language as tl

    from msa_backbone.ops.gpu import combine_backward

    channels, columns = 2**17, 2**14
    sums = torch.from_numpy(np.zeros(channels * columns + columns, np.int8))
    sums[-columns:] = 1  # the second part of the first channel
    one, weight = torch.ones(1), torch.zeros(columns - 1)
    of_channel, of_weight, of_bias = torch.zeros(1), torch.zeros(columns - 1), torch.zeros(1)
    combine_backward._share_products_kernel[(1,)](
        sums, one, weight, one, of_channel, of_weight, of_bias,
        1, 2, channels, columns - 1, ACC=tl.float32, R=2, K=columns,
    )  # fmt: skip
    assert of_channel == of_bias == 1 and of_weight.eq(1).all()


@pytest.mark.parametrize(
    ("samples", "channels", "inputs", "height", "width"),
    [(1, 8, 8, 8200, 8200), (1, 512, 104, 100, 166), (16, 64, 16, 112, 112)],
)
def test_the_fusion_gradient_keeps_to_limits(samples, channels, inputs, height, width, monkeypatch):
    """CUDA's for a grid; what the programs sum up is no larger than x but for the last tiles."""
    from msa_backbone.ops.gpu import combine_backward

    grids = []

    class Recorded:
        def __getitem__(self, grid):
            grids.append(grid)
            return lambda *_, **__: None

    monkeypatch.setattr(combine_backward, "_products_kernel", Recorded())
    one = torch.zeros(1, 1, 1, 1, dtype=torch.float16)
    x, branches = (one.expand(samples, c, height, width) for c in (channels, inputs))
    combine_backward._products(x, branches, one, inputs, {})
    programs, parts, _ = grids[0]
    assert programs < 2**31 and max(grids[0][1:]) <= 65535
    tile = 64 * channels
    assert 4 * parts * channels * (inputs + 1) <= 2 * (channels * height * width + tile * 4)


def test_kernels_that_do_not_work_are_told_once_and_done_without(monkeypatch):
    select_form._kernels_work.cache_clear()
    module, x = build(16, 4), torch.randn(1, 16, 6, 6)
    monkeypatch.setattr(
        select_form.importlib, "import_module", lambda *_: (_ for _ in ()).throw(
            RuntimeError("Failed to find C compiler.\nmore")
        ),
    )  # fmt: skip
    with pytest.warns(UserWarning, match=r"plain form: Failed to find C compiler\.$") as told:
        first, second = module(x), module(x)
    assert len(told) == 1 and torch.equal(first, second)
    select_form._kernels_work.cache_clear()


BUILD = """
import json, sys
import triton, triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from msa_backbone.ops.gpu import (
    channel_gate, combine, combine_backward, few_channels, few_channels_backward, launch, limits,
    packed_branches, read, spatial_gate)

capability, dtype = int(sys.argv[1]), sys.argv[2]
size = 4 if dtype == "fp32" else 2
# Of the weights, of sums, and of what is kept in float32 between the passes.
floats = set("sums average between w1 w3 w5 b1 b2 b3 b5 w2 weight bias channel of_w1 of_w2 of_b1 "
             "of_b2 of_squeezed of_logits of_channel of_weight of_bias taps centres biases "
             "grad_average".split())
maps = set("x y statistics grad_y grad_statistics grad_branches grad_x branches spatial".split())
products = {"PRECISION": "tf32x3" if size == 4 else "ieee"}
kernels = [
    (read._read_kernel, launch.row_tile(512, read.TILE_ELEMENTS), 4, ()),
    (read._read_backward_kernel, launch.row_tile(512, read.BACKWARD_ELEMENTS), 8, ()),
    (combine._combine_kernel,
     {**products, **dict(zip("LC", combine.TILE)), "K": 32 if size == 4 else 64, "width": 192},
     combine.TILE[2], ()),
    (combine_backward._gated_gradient_kernel,
     {**products, **dict(zip("LC", combine_backward.WIDE)), "K": 32 if size == 4 else 64},
     combine_backward.WIDE[2], ("grad",)),
    (combine_backward._products_kernel, {**products, **combine_backward.product_tile(200, size)},
     8, ("grad",)),
    (combine_backward._share_products_kernel, {"R": 16, "K": 128}, 4, ()),
    (packed_branches._pack_kernel, {"LAST": True, "C": 128}, 4, ("weight", "bias")),
    (channel_gate._channel_gate_kernel,
     {"H": channel_gate.ELEMENTS // 512, "C": 512}, channel_gate.WARPS, ()),
    (channel_gate._channel_gate_backward_kernel, {"H": 4, "C": 512}, 4, ()),
    (spatial_gate._spatial_gate_kernel, {"L": 256}, 4, ()),
    (spatial_gate._spatial_gate_backward_kernel, {"L": 256}, 4, ()),
    (spatial_gate._spatial_weight_kernel, {"L": 128}, 4, ()),
]
# Those for Hopper and the large Ampere, with what they share there.
large = {}
if capability >= 80 and size == 2:
    few = {**products, "channels": 128, "hidden": 8, "outputs": 24, "H": 8}
    first, of_x, of_weight = (
        {**few, "P": pixels, "warps": warps} for pixels, warps in (
            few_channels.WIDE, few_channels_backward.INPUT_WIDE, few_channels_backward.WEIGHT_WIDE)
    )
    weights = ("weight", "bias")
    large = {
        few_channels._few_channels_kernel: limits.SHARED_MEMORY,
        few_channels_backward._input_gradient_kernel: limits.SHARED_MEMORY,
        few_channels_backward._weight_gradient_kernel: limits.SHARED_MEMORY,
    }
    kernels += [
        (few_channels._few_channels_kernel, {**first, "C": 128, "STATISTICS": True}, 0, weights),
        (few_channels._few_channels_kernel, {**first, "C": 128, "STATISTICS": False}, 0, weights),
        (few_channels_backward._input_gradient_kernel, {**of_x, "C": 128}, 0, weights),
        (few_channels_backward._weight_gradient_kernel, {**of_weight, "C": 64}, 0, weights),
        (few_channels_backward._sum_weights_kernel,
         {**{k: few[k] for k in ("channels", "hidden", "outputs", "H")}, "C": 128, "R": 32}, 8, ()),
    ]
shared = {}
for kernel, constants, warps, converted in kernels:
    constants["ACC"] = tl.float32
    warps = constants.pop("warps", warps)
    if "EPS" in kernel.arg_names:
        constants["EPS"] = 1e-7
    signature = {
        name: "constexpr" if name in constants
        else "*" + dtype if name in maps or name in converted
        else "*fp32" if name in floats | {"gate", "grad"} else "i32"
        for name in kernel.arg_names
    }
    stages = combine_backward.WIDE[3] if kernel is combine_backward._gated_gradient_kernel else 3
    built = triton.compile(
        ASTSource(kernel, signature, constexprs=constants),
        target=GPUTarget("cuda", capability, 32),
        options={"num_warps": warps, "num_stages": stages},
    )
    assert len(built.asm["cubin"]) > 1000
    shared[kernel.__name__] = built.metadata.shared
    assert built.metadata.shared <= large.get(kernel, 48 * 1024), kernel.__name__
print(json.dumps(shared))
"""


@pytest.mark.parametrize(
    ("capability", "dtype", "kernels"),
    [(75, "fp16", 12), (80, "bf16", 16), (90, "bf16", 16), (90, "fp32", 12)],
)
def test_they_compile_for_gpus(capability, dtype, kernels):
    """Ahead of time, which needs no GPU; what a block shares fits any, but for what is for large.

    A block of any GPU has 48 KiB of shared memory.
    """
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(capability), dtype],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(json.loads(done.stdout)) == kernels
