"""Attention modules from dicts."""

from mmengine.registry import MODELS, Registry
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


def test_attention_with_free_options_is_not_second_guessed():
    check_attention_options({"type": LooseGate, "anything": 1})
    assert build_attention({"type": LooseGate, "anything": 1}, 8, False).options == {"anything": 1}
