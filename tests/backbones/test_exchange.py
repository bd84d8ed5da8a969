"""Exchange in both directions: against the formula, layer by layer, and what it leaves alone."""

import itertools
import pickle

import pytest
import torch
from mmengine.model import BaseModule
from references import fused, multi_modal_attention, multi_modal_vgg, randomise
from torch import Tensor

from msa_backbone.backbones import MultiModalMSAVGG
from msa_backbone.backbones.modalities.exchange import Exchange
from msa_backbone.backbones.vgg_weights import load_pretrained

ATTENTION = {"type": "MultiModalAttention", "reduction_ratio": 4, "pass_through": True}
POSITIONS = (4, 9, 16, 23, 30)
KAIMING = {"type": "Kaiming", "layer": "Conv2d", "bias": 0.5}


def build(**options) -> MultiModalMSAVGG:
    torch.manual_seed(0)
    options = {"in_channels": (3, 1, 2), "base_channels": 16, "fusion": ATTENTION, **options}
    return MultiModalMSAVGG(**{"exchange": True, **options})


def pictures(samples: int = 2, size=(64, 32)) -> Tensor:
    return torch.randn(samples, 6, *size, generator=torch.Generator().manual_seed(1))


def part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}


def formula(kind: str, state: dict[str, Tensor], maps: list[Tensor], present) -> Tensor:
    if kind == "attention":
        return multi_modal_attention(state, maps, pass_through=True, present=present)
    return fused(kind, state, maps, present)


@pytest.mark.parametrize("flags", [None, [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]], ids=["all", "some"])
@pytest.mark.parametrize("kind", ["attention", "sum", "cbam"])
@pytest.mark.parametrize("widths", [(16, 16, 16), (16, 4, 8)])
def test_equals_the_formula_layer_by_layer(widths, kind, flags):
    cbam = {"type": "CBAMFusion", "reduction_ratio": 4}
    fusion = {"attention": ATTENTION, "sum": "sum", "cbam": cbam}[kind]
    backbone = build(base_channels=widths, fusion=fusion, zero_init=False).double()
    randomise(backbone)
    assert tuple(map(int, backbone.exchanges)) == POSITIONS[:-1]
    state, x = backbone.state_dict(), pictures().double()
    there = flags or [[1.0] * 3] * 2
    shown = [
        torch.stack([there[n][m] * picture[n] for n in range(2)])
        for m, picture in enumerate(x.split((3, 1, 2), dim=1))
    ]

    def fuse(position: int, maps: list[Tensor]) -> Tensor:
        return formula(kind, part(state, f"attentions.{position}."), maps, there)

    def exchange(position: int, m: int, maps: list[Tensor]) -> Tensor:
        weights = part(state, f"exchanges.{position}.fusions.{m - 1}.")
        swapped = [[flags[m], flags[0]] for flags in there]
        return formula(kind, weights, [maps[m], maps[0]], swapped)

    outputs = backbone(x, None if flags is None else torch.tensor(flags))
    expected = multi_modal_vgg(state, shown, POSITIONS, fuse, exchange=exchange)
    without = multi_modal_vgg(state, shown, POSITIONS, fuse)
    for y, y_formula in zip(outputs, expected, strict=True):
        assert y_formula.std() > 1e-3
        assert (y - y_formula).abs().max() <= 1e-10 * y_formula.abs().max()
    # The first fusion sees nothing of it yet, the later ones do.
    assert torch.equal(expected[0], without[0])
    assert (outputs[-1] - without[-1]).abs().max() > 1e-3 * without[-1].abs().max()


def test_off_by_default():
    torch.manual_seed(0)
    plain = MultiModalMSAVGG(in_channels=(3, 1, 2), base_channels=16, fusion=ATTENTION)
    assert not len(plain.exchanges)
    added = build().state_dict().keys() - plain.state_dict().keys()
    assert added and all(name.startswith("exchanges.") for name in added)


@pytest.mark.parametrize("kind", ["MultiModalAttention", "ConcatFusion", "SEFusion", "CBAMFusion"])
def test_starts_as_without_exchange_and_init_weights_brings_it_back(kind):
    ratio = {} if kind == "ConcatFusion" else {"reduction_ratio": 4}
    backbone = build(fusion={"type": kind, **ratio}, base_channels=(16, 8, 16))
    parent = BaseModule(init_cfg=KAIMING)
    parent.backbone = backbone
    randomise(backbone)
    parent.init_weights()
    maps = [torch.randn(2, 16, 5, 6), torch.randn(2, 8, 5, 6), torch.randn(2, 16, 5, 6)]
    exchanged = backbone.exchanges["4"](*maps, present=torch.ones(2, 3))
    assert len(exchanged) == 2
    for x, y in zip(maps[1:], exchanged, strict=True):
        assert torch.equal(x, y)


def test_all_exchanges_start_differently():
    """Also those of one width, between which nothing is drawn; the first as it does alone."""
    positions = (2, 3, 4)
    backbone = build(in_channels=(3, 1, 2), zero_init=False, attention_positions=positions)
    starts = [
        fusion.conv5x5.weight for place in backbone.exchanges.values() for fusion in place.fusions
    ]
    assert len(starts) == 4
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(starts, 2))
    torch.manual_seed(1)
    module = Exchange(ATTENTION, (8, 8), zero_init=False)
    torch.manual_seed(1)
    both = Exchange(ATTENTION, (8, 8, 8), zero_init=False)
    for name, tensor in module.fusions[0].state_dict().items():
        assert torch.equal(tensor, both.fusions[0].state_dict()[name]), name


def test_a_file_with_exchange_needs_it_and_one_without_starts_it(tmp_path):
    with_it, without = build(), build(exchange=False)
    for name, model in (("with", with_it), ("without", without)):
        torch.save(model.state_dict(), tmp_path / f"{name}.pth")
    with pytest.raises(ValueError, match=r"with\.pth: the file has exchanges.*exchange=True$"):
        load_pretrained(build(exchange=False), tmp_path / "with.pth")
    report = load_pretrained(build(), tmp_path / "without.pth")
    assert report.missing and all(name.startswith("exchanges.") for name in report.missing)
    assert not load_pretrained(build(), tmp_path / "with.pth").missing


def test_nothing_comes_from_an_absent_reference_and_nothing_from_an_absent_modality():
    module = Exchange(ATTENTION, (8, 4, 6), zero_init=False)
    x, *others = maps = [torch.randn(1, c, 5, 7) for c in (8, 4, 6)]
    without = torch.tensor([0, 1, 1])
    for a, b in zip(
        module(*maps, present=without), module(x + 1, *others, present=without), strict=True
    ):
        assert torch.equal(a, b)
    backbone = build(zero_init=False).eval()
    randomise(backbone)
    x = pictures()
    other = x.clone()
    other[:, 3:4] += 1
    flags = torch.tensor([1, 0, 1])
    for a, b in zip(backbone(x, flags), backbone(other, flags), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("kind", ["MultiModalAttention", "SEFusion"])
def test_a_start_from_the_sum_is_the_references_alone(kind):
    """Two streams of equal weights that both went on with the sum would be one from there on."""
    passes = {"pass_through": True} if kind == "MultiModalAttention" else {}
    fusion = {"type": kind, "reduction_ratio": 4, "layer_scale_init_value": 1.0, **passes}
    backbone = build(fusion=fusion, zero_init=True).eval()
    x, *others = maps = [torch.randn(1, 16, 5, 7) for _ in range(3)]
    for fuse, exchange in zip(
        backbone.attentions.values(), backbone.exchanges.values(), strict=False
    ):
        if fuse.in_channels[0] == 16:
            assert not torch.equal(fuse(*maps), x)
            assert all(map(torch.equal, exchange(*maps), others))


@pytest.mark.parametrize("positions", ["pool", "conv", (4, 7)])
@pytest.mark.parametrize("with_cp", [False, True])
def test_every_parameter_learns(positions, with_cp):
    backbone = build(zero_init=False, attention_positions=positions, with_cp=with_cp)
    sum(y.square().mean() for y in backbone(pictures(4))).backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    assert all(p.grad.any() for p in backbone.exchanges.parameters())


def test_behind_a_pool_of_the_next_stage_the_maps_have_its_width_before():
    """With `out_before_pool` a stage begins with the pool of the one before it."""
    options = {"out_before_pool": True, "attention_positions": "pool", "zero_init": False}
    backbone = build(base_channels=(16, 4, 8), **options)
    widths = [[f.in_channels for f in place.fusions] for place in backbone.exchanges.values()]
    assert widths == [[(4 * k, 16 * k), (8 * k, 16 * k)] for k in (1, 2, 4)]
    assert [y.shape[1] for y in backbone(pictures())] == [16, 32, 64, 128, 128]


def test_attention_is_frozen_and_trains_again_in_all_streams():
    backbone = build(frozen_stages=2, zero_init=False)
    assert all(p.requires_grad for p in backbone.exchanges.parameters())
    sum(y.square().mean() for y in backbone(pictures(4))).backward()
    backbone.exchanges["9"].requires_grad_(False)  # the user's own
    backbone.freeze_attention(False)  # nothing is paused
    assert not any(p.requires_grad for p in backbone.exchanges["9"].parameters())
    backbone.train().freeze_attention()
    assert not any(p.requires_grad for p in backbone.exchanges.parameters())
    assert all(p.grad is None for p in backbone.exchanges["4"].parameters())  # gathered before
    assert not any(m.training for m in backbone.exchanges["4"].modules())
    backbone.freeze_attention(False)
    trains = {
        name: any(p.requires_grad for p in m.parameters()) for name, m in backbone.exchanges.items()
    }
    assert trains == {"4": True, "9": False, "16": True, "23": True}
    assert all(m.training for m in backbone.exchanges["4"].modules())


def test_one_modality_has_nobody_to_exchange_with():
    backbone = build(in_channels=(3,), zero_init=False)
    assert not list(backbone.exchanges.parameters())
    assert backbone(pictures()[:, :3])[-1].shape == (2, 128, 2, 1)


def test_it_is_copied_and_saved_as_any_module():
    backbone = build(zero_init=False).eval()
    copied = pickle.loads(pickle.dumps(backbone))
    x = pictures()
    assert all(torch.equal(a, b) for a, b in zip(backbone(x), copied(x), strict=True))
