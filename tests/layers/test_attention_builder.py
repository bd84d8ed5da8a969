"""Attention modules from dicts."""

import copy
import pickle
import sys

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS, DefaultScope, Registry
from torch import nn

from msa_backbone.layers.attention_builder import build_attention, check_attention_options

# What mmdet's registry is to mmengine's: a child, where its users register their modules.
CHILD = Registry("child models", parent=MODELS, scope="blocks_test")


@CHILD.register_module(name="BlocksTestGate")
class Gate(nn.Module):
    def __init__(self, in_channels: int, zero_init: bool, strength: float = 1.0) -> None:
        super().__init__()
        self.arguments = (in_channels, zero_init, strength)


class LooseGate(nn.Module):
    def __init__(self, in_channels: int, zero_init: bool, **options) -> None:
        super().__init__()
        self.options = options


def test_attention_receives_the_channels_and_zero_init():
    cfg = {"type": Gate, "strength": 2.0}
    check_attention_options(cfg)
    assert build_attention(cfg, 8, zero_init=True).arguments == (8, True, 2.0)
    assert cfg == {"type": Gate, "strength": 2.0}


def test_modules_of_the_registry_in_scope_are_found(monkeypatch):
    """mmengine looks up a scope's registry by importing `{scope}.registry`; ours is at hand."""
    monkeypatch.setattr("mmengine.registry.registry.import_module", lambda name: None)
    cfg = {"type": "BlocksTestGate", "strength": 3.0}
    with pytest.raises(ValueError, match="BlocksTestGate"):
        check_attention_options(cfg)
    check_attention_options({**cfg, "type": "blocks_test.BlocksTestGate"})
    with DefaultScope.overwrite_default_scope("blocks_test"):
        check_attention_options(cfg)
        assert build_attention(cfg, 4, zero_init=False).arguments == (4, False, 3.0)


def test_attention_with_free_options_is_not_second_guessed():
    check_attention_options({"type": LooseGate, "anything": 1})
    assert build_attention({"type": LooseGate, "anything": 1}, 8, False).options == {"anything": 1}


class ZeroBranch(nn.Module):
    """Somebody's module that starts as the identity and has no `init_weights`."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(in_channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.norm(self.conv(x))


class Branch(nn.Module):
    """One that does not."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, in_channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


INIT_CFG = [
    {"type": "Kaiming", "layer": "Conv2d", "bias": 0.5},
    {"type": "Constant", "layer": ["BatchNorm2d", "LayerNorm"], "val": 1, "bias": 0.5},
]


def module_cfg(kind: object) -> dict:
    if not isinstance(kind, str):
        return {"type": kind}
    if kind == "ContextBlock":
        pytest.importorskip("mmcv.cnn")
        return {"type": kind, "ratio": 0.25}
    pytest.importorskip("timm")
    return {"type": "TimmAttention", "name": kind}


def test_a_missing_timm_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ValueError, match="TimmAttention needs timm: pip install timm"):
        build_attention({"type": "TimmAttention", "name": "se"}, 8, zero_init=True)


@pytest.mark.parametrize("kind", [ZeroBranch, Branch, "nl", "se", "ContextBlock"])
def test_the_identity_of_other_peoples_modules_comes_back(kind):
    module = build_attention(module_cfg(kind), 8, zero_init=True).eval()
    x = torch.randn(2, 8, 5, 4)
    for twin in (module, copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        parent = BaseModule(init_cfg=INIT_CFG)
        parent.part = twin
        before = {name: tensor.clone() for name, tensor in twin.state_dict().items()}
        parent.init_weights()
        assert any(not torch.equal(before[n], t) for n, t in twin.state_dict().items())
        assert torch.equal(twin(x), x)


@pytest.mark.parametrize("kind", [ZeroBranch, Branch, "nl", "se"])
def test_names_are_the_same_on_the_meta_device(kind):
    cfg = module_cfg(kind)
    with torch.device("meta"):
        names = build_attention(cfg, 8, zero_init=True).state_dict().keys()
    assert names == build_attention(cfg, 8, zero_init=True).state_dict().keys()


def test_building_seeds_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("a GPU's seed"))
    build_attention({"type": Branch}, 8, zero_init=True)


def test_a_module_in_16_bit_is_mixed_into_a_map_in_32():
    module = build_attention({"type": Branch}, 8, zero_init=True)
    nn.init.constant_(module.scale, 0.5)
    x = torch.randn(2, 8, 5, 4)
    with torch.autocast("cpu", torch.bfloat16):
        y = module(x)
    expected = x + 0.5 * (nn.functional.conv2d(x, module.module.conv.weight) - x)
    expected = expected + 0.5 * module.module.conv.bias[:, None, None]
    assert y.dtype == torch.float32 and (y - expected).abs().max() < 0.02
