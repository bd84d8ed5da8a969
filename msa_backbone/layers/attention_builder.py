"""Attention modules from OpenMMLab-style dicts, by their registered names."""

import inspect
from difflib import get_close_matches

import torch
from mmengine.registry import MODELS
from torch import nn

from .blocks import resolve_type
from .residual_start import ResidualStart, is_identity, keep_zeros


def build_attention(
    cfg: dict,
    in_channels: int | tuple[int, ...],
    zero_init: bool,
    seeds: set[tuple] | None = None,
) -> nn.Module:
    """A registered attention module for `in_channels` channels.

    With `zero_init`, one that cannot start as the identity by itself is put into a
    `ResidualStart`. Building it leaves torch's generator where it was: with a seed, the rest of a
    model starts the same with and without attention.

    Args:
        cfg: `dict(type=..., ...)`.
        in_channels: of the map; of each of them for a fusion.
        zero_init: start as the identity.
        seeds: what a model's modules were drawn with so far; that of this one is added. Without it,
            two that are built one right after the other start with the same weights.
    """
    cls, _ = resolve_type(cfg, {}, "attention")
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which seeds the GPUs as well.
        torch.default_generator.manual_seed(_draw_seed(in_channels, seeds))
        options = dict(cfg, in_channels=in_channels)
        if "zero_init" in inspect.signature(cls).parameters:
            return MODELS.build({**options, "zero_init": zero_init})
        attention = MODELS.build(options)
        if not zero_init:
            return attention
        tried = attention
        if any(parameter.is_meta for parameter in attention.parameters()):  # nothing can be run
            with torch.device("cpu"):
                tried = MODELS.build(options)
        if is_identity(tried, in_channels):
            return keep_zeros(attention)
        return ResidualStart(attention, in_channels)


def _draw_seed(in_channels: int | tuple[int, ...], seeds: set[tuple] | None) -> int:
    """A seed from torch's generator, or the next one that no module as wide has had."""
    seed = int(torch.randint(2**62, (), device="cpu"))
    if seeds is not None:
        while (seed, in_channels) in seeds:
            seed += 1
        seeds.add((seed, in_channels))
    return seed


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
