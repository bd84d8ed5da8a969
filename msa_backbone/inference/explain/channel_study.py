"""Which channels the channel gate lets through, and what the model loses without them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from mmengine.runner import Runner
from torch import Tensor, nn

from ...files.markdown import markdown_table
from ...layers import MultiModalAttention, MultiScaleAttention
from .forward_hooks import forward_hooks


@dataclass
class ChannelWeights:
    """The channel gate of one attention module over a data set.

    Attributes:
        mean: (C,), the average gate of each channel, in 0..1.
        deviation: (C,), its standard deviation over the images.
    """

    mean: Tensor
    deviation: Tensor


def channel_gates(model: nn.Module) -> dict[str, nn.Module]:
    """The channel gates of a model's Multi-Scale Attention, by position; ValueError if none.

    Of a fusion these are the gates of every modality.
    """
    attentions = getattr(getattr(model, "backbone", None), "attentions", {})
    gates: dict[str, nn.Module] = {}
    for name, module in attentions.items():
        if not isinstance(module, MultiScaleAttention) or module.channel_attention is None:
            continue
        # The sigmoid: fusions, and attention that hears a sentence, call the layers one by one.
        gates[name] = module.channel_attention[-1]
        if isinstance(module, MultiModalAttention):
            others = module.others.items()
            gates |= {f"{name}, modality {m}": term.channel_attention[-1] for m, term in others}
    if not gates:
        raise ValueError("the model has no Multi-Scale Attention with a channel gate to look at")
    return gates


def weights_and_scores(
    runner: Runner, gates: Mapping[str, nn.Module]
) -> tuple[dict[str, ChannelWeights], dict[str, float]]:
    """Test: what the gates, by position, are over all images, and the model's scores."""
    batches: dict[str, list[Tensor]] = {name: [] for name in gates}

    def keep(name: str, gate: nn.Module, inputs: tuple, options: dict, weights: Tensor) -> None:
        batches[name].append(weights.detach().float().flatten(1).cpu())

    with forward_hooks(gates, keep):
        scores = runner.test()
    seen = {name: torch.cat(weights) for name, weights in batches.items()}
    return {
        name: ChannelWeights(weights.mean(0), weights.std(0, unbiased=False))
        for name, weights in seen.items()
    }, dict(scores)


def masked(
    gates: Mapping[str, nn.Module], left_out: Mapping[str, Sequence[int]]
) -> AbstractContextManager[None]:
    """Inside the block, these channels, by position, have gates of zero: nothing is added to x."""

    def mask(name: str, gate: nn.Module, inputs: tuple, options: dict, weights: Tensor) -> Tensor:
        channels = torch.tensor(list(left_out[name]), device=weights.device)
        return weights.index_fill(1, channels, 0)

    return forward_hooks({name: gates[name] for name in left_out}, mask)


def least_and_most_important(
    weights: Mapping[str, ChannelWeights], share: float
) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """The channels, by position, with the smallest and with the largest average gates.

    Args:
        share: of each module's channels, in 0..1; one channel at least.
    """
    least, most = {}, {}
    for name, module_weights in weights.items():
        ranked = module_weights.mean.argsort().tolist()
        number = max(1, round(share * len(ranked)))
        least[name], most[name] = ranked[:number], ranked[::-1][:number]
    return least, most


def importance_table(whole: float, without: Mapping[float, Sequence[float]], metric: str) -> str:
    """A Markdown table of scores with the least and the most important channels left out.

    Args:
        whole: the score with all channels.
        without: by share of the channels, two scores: without the least important and without the
            most important ones.
        metric: the score's name.
    """
    head = f"channels left out,{metric} without the least,change,without the most,change".split(",")
    rows = [["none", f"{whole:.4f}", "-", f"{whole:.4f}", "-"]]
    for share, scores in without.items():
        changes = [cell for s in scores for cell in (f"{s:.4f}", f"{s - whole:+.4f}")]
        rows.append([f"{100 * share:g} %", *changes])
    return markdown_table(head, rows)
