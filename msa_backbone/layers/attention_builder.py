"""Attention modules from OpenMMLab-style dicts, by their registered names."""

import inspect
from difflib import get_close_matches

import torch
from mmengine.registry import MODELS
from torch import nn

from .blocks import resolve_type
from .residual_start import ResidualStart, is_identity


def build_attention(cfg: dict, in_channels: int, zero_init: bool) -> nn.Module:
    """A registered attention module for `in_channels` channels.

    With `zero_init`, one that cannot start as the identity by itself is put into a
    `ResidualStart`. Building it leaves torch's generator where it was: with a seed, the rest of a
    model starts the same with and without attention.
    """
    cls, _ = resolve_type(cfg, {}, "attention")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), device="cpu")))
        if "zero_init" in inspect.signature(cls).parameters:
            return MODELS.build(dict(cfg, in_channels=in_channels, zero_init=zero_init))
        attention = MODELS.build(dict(cfg, in_channels=in_channels))
        if zero_init and not is_identity(attention, in_channels):
            return ResidualStart(attention, in_channels)
        return attention


def check_attention_options(attention: dict) -> None:
    """Refuse a misspelt option of an attention dict before anything is built.

    Raises:
        ValueError: naming the option, the nearest known one and the choices.
    """
    cls, arguments = resolve_type(attention, {}, "attention")
    parameters = inspect.signature(cls).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    known = list(parameters)
    choices = [option for option in known if option not in ("in_channels", "zero_init")]
    for option in arguments:
        if option in choices:
            continue
        near = get_close_matches(option, choices, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        if option in known:
            hint = "the backbone sets it, so give it there. "
        raise ValueError(
            f"attention option '{option}' does not belong to {cls.__name__}: "
            f"{hint}options: {', '.join(choices)}"
        )
