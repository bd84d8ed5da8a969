"""Multi-Scale Attention on a GPU, where there is one: the kernels against float64 on the CPU."""

import copy

import pytest
import torch
from references import multi_scale_attention, output_and_gradients

from msa_backbone import MultiScaleAttention
from msa_backbone.costs import gpu_bandwidth
from msa_backbone.costs.measure import record
from msa_backbone.ops import select_form

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "shape",
    [(2, 64, 57, 43), (2, 128, 33, 130), (1, 256, 30, 40), (1, 512, 20, 20), (3, 100, 1, 9)],
)
def test_no_further_from_float64_than_the_plain_form(shape, dtype, memory_format):
    torch.manual_seed(0)
    module = MultiScaleAttention(shape[1], 16, zero_init=False).to("cuda", dtype)
    x = (1 + torch.randn(shape, device="cuda")).to(dtype).contiguous(memory_format=memory_format)
    exact = copy.deepcopy(module).cpu().double()
    truth = output_and_gradients(
        lambda x: multi_scale_attention(dict(exact.named_parameters()), x),
        [x.cpu().double().requires_grad_(), *exact.parameters()],
    )
    tensors = [x.requires_grad_(), *module.parameters()]
    assert select_form.form_for(module, x) == "kernels"
    mine = output_and_gradients(module, tensors)
    module.plain = True
    plain = output_and_gradients(module, tensors)
    # Convolutions may run in TF32, whose 10 bits are those of float16.
    eps = torch.finfo(torch.float16 if dtype == torch.float32 else dtype).eps
    for m, p, t in zip(mine, plain, truth, strict=True):
        assert m.dtype == dtype
        assert (m.cpu() - t).norm() <= 3 * (p.cpu() - t).norm() + eps * t.norm()


def test_under_autocast_every_parameter_learns():
    torch.manual_seed(0)
    module = MultiScaleAttention(64, 16, zero_init=False).cuda()
    x = torch.randn(2, 64, 32, 32, device="cuda", requires_grad=True)
    with torch.autocast("cuda", torch.float16):
        y = module(x)
    y.float().square().mean().backward()
    for tensor in (x, *module.parameters()):
        assert tensor.grad.dtype == torch.float32
        assert tensor.grad.isfinite().all() and tensor.grad.any()


def test_a_step_in_a_cuda_graph_gives_what_it_gives_outside():
    torch.manual_seed(0)
    module = MultiScaleAttention(64, 16, zero_init=False).to("cuda", torch.bfloat16)
    x = torch.randn(2, 64, 40, 70, device="cuda", dtype=torch.bfloat16)
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    tensors = [x, *module.parameters()]

    def step() -> list[torch.Tensor]:
        y = module(x)
        return [y, *torch.autograd.grad(y, tensors, torch.ones_like(y))]

    captured: list[torch.Tensor] = []

    def keep() -> None:
        captured[:] = step()

    replay = record(keep)
    with torch.no_grad():
        x.copy_(torch.randn_like(x))
    replay()
    for inside, outside in zip(captured, step(), strict=True):
        assert torch.equal(inside, outside)


def test_no_kernel_is_faster_than_a_copy_of_its_bytes():
    copy = gpu_bandwidth.measure_copy(2**26)
    passes = gpu_bandwidth.measure_passes((2, 800, 1333), "relu", torch.bfloat16)
    names = ["first pass", "first pass backward", "its weights", "second pass"]
    assert [p.name for p in passes[:4]] == names
    for one in passes[:4]:  # of the largest map, which no cache holds
        assert 0.1 * copy < one.bytes / one.seconds < 1.1 * copy
