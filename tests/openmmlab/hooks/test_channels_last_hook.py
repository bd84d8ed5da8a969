"""With channels last in memory, a network computes the same."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import HOOKS

from msa_backbone import MSAVGG
from msa_backbone.training.tool_runner import order_as_parameters


@pytest.fixture
def backbones():
    def build() -> MSAVGG:
        torch.manual_seed(0)
        return MSAVGG(base_channels=16, norm_cfg={"type": "BN"}, zero_init=False).double()

    usual, changed = build(), build()
    HOOKS.build({"type": "ChannelsLastHook"}).before_run(SimpleNamespace(model=changed))
    return usual, changed


def test_every_map_has_its_channels_last_and_the_same_values(backbones):
    usual, changed = backbones
    x = torch.rand(2, 3, 64, 48).double()
    for expected, found in zip(usual(x), changed(x), strict=True):
        assert expected.is_contiguous() and not found.is_contiguous()
        assert found.is_contiguous(memory_format=torch.channels_last)
        assert (found - expected).abs().max() < 1e-12 * expected.abs().max()


def test_gradients_are_the_same_and_so_is_the_checkpoint(backbones):
    usual, changed = backbones
    x = torch.rand(2, 3, 64, 48).double()
    for network in backbones:
        sum(y.square().mean() for y in network(x)).backward()
    gradients = {name: p.grad for name, p in changed.named_parameters()}
    for name, parameter in usual.named_parameters():
        error = (gradients[name] - parameter.grad).norm()
        assert error <= 1e-10 * parameter.grad.norm() + 1e-12, name
    fresh = MSAVGG(base_channels=16, norm_cfg={"type": "BN"}).double()
    fresh.load_state_dict(changed.state_dict())
    assert all(
        torch.equal(a, b) for a, b in zip(fresh.parameters(), usual.parameters(), strict=True)
    )


def test_operators_of_mmcv_get_their_channels_first():
    """Compiled, they do not look at the order: they would read wrong values."""

    class Operator(torch.nn.Module):
        __module__ = "mmcv.ops.roi_align"

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.rand(4, 8, 3, 3))

        def forward(self, x: torch.Tensor, scale: float) -> torch.Tensor:
            assert x.is_contiguous() and self.weight.is_contiguous()
            return scale * x

    model = torch.nn.ModuleList([torch.nn.Conv2d(3, 8, 3), Operator()])
    HOOKS.build({"type": "ChannelsLastHook"}).before_run(SimpleNamespace(model=model))
    x = model[0](torch.rand(2, 3, 7, 6))
    assert not x.is_contiguous()
    assert torch.equal(model[1](x, 2.0), 2 * x)


@pytest.mark.parametrize("saved", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("now", [torch.channels_last, torch.contiguous_format])
def test_a_fused_optimizer_goes_on_from_moments_in_another_order(saved, now):
    """As one that is not fused, which looks at the order."""
    ends = []
    for fused in (True, False):
        rng = torch.Generator().manual_seed(0)
        weight, *gradients = (torch.randn(4, 8, 3, 3, generator=rng) for _ in range(3))
        parameter = torch.nn.Parameter(weight.contiguous(memory_format=saved))
        before = torch.optim.AdamW([parameter], lr=0.1, fused=fused)
        parameter.grad = gradients[0].contiguous(memory_format=saved)
        before.step()
        parameter = torch.nn.Parameter(parameter.detach().contiguous(memory_format=now))
        resumed = torch.optim.AdamW([parameter], lr=0.1, fused=fused)
        resumed.load_state_dict(before.state_dict())
        order_as_parameters(resumed)
        parameter.grad = gradients[1].contiguous(memory_format=now)
        resumed.step()
        ends.append(parameter.detach())
    torch.testing.assert_close(*ends)
