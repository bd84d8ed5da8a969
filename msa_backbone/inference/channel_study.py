"""Which channels the channel gate lets through, and what the model loses without them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import Tensor, nn

from ..layers import MultiScaleAttention


@dataclass
class ChannelWeights:
    """Of one attention module over a data set.

    Attributes:
        mean: (C,), the average gate of each channel, in 0..1.
        deviation: (C,), its standard deviation over the images.
    """

    mean: Tensor
    deviation: Tensor

    def ranked(self) -> list[int]:
        """Channels, the one with the smallest average gate first."""
        return self.mean.argsort().tolist()


class ChannelStudy:
    """Tests a model again and again with channels of its attention left out.

    Args:
        cfg: a test config, with the checkpoint in `load_from`.

    Raises:
        ValueError: if the model has no Multi-Scale Attention with a channel gate.
    """

    def __init__(self, cfg: Config) -> None:
        self.runner = Runner.from_cfg(cfg)
        backbone = getattr(self.runner.model, "backbone", None)
        self.modules: dict[str, MultiScaleAttention] = {
            name: module
            for name, module in getattr(backbone, "attentions", {}).items()
            if isinstance(module, MultiScaleAttention) and module.channel_attention is not None
        }
        if not self.modules:
            raise ValueError(
                "the model has no Multi-Scale Attention with a channel gate to look at"
            )

    def weights(self) -> tuple[dict[str, ChannelWeights], dict[str, float]]:
        """The gates over all test images, by position, and the scores of the whole model."""
        seen: dict[str, list[Tensor]] = {name: [] for name in self.modules}

        def keep(name: str):
            def hook(gate: nn.Module, inputs: tuple[Tensor], weights: Tensor) -> None:
                seen[name].append(weights.detach().float().flatten(1).cpu())

            return hook

        handles = [
            module.channel_attention.register_forward_hook(keep(name))
            for name, module in self.modules.items()
        ]
        try:
            scores = self.runner.test()
        finally:
            for handle in handles:
                handle.remove()
        gates = {name: torch.cat(weights) for name, weights in seen.items()}
        return {
            name: ChannelWeights(gate.mean(0), gate.std(0, unbiased=False))
            for name, gate in gates.items()
        }, dict(scores)

    def scores_without(self, left_out: Mapping[str, Sequence[int]]) -> dict[str, float]:
        """Test with the gates of these channels, by position, at zero."""
        with masked(self.modules, left_out):
            return dict(self.runner.test())


@contextmanager
def masked(
    modules: Mapping[str, MultiScaleAttention], left_out: Mapping[str, Sequence[int]]
) -> Iterator[None]:
    """The channel gates at zero for these channels: there the module adds nothing to x."""

    def mask(channels: Sequence[int]):
        def hook(gate: nn.Module, inputs: tuple[Tensor], weights: Tensor) -> Tensor:
            return weights.index_fill(1, torch.tensor(list(channels), device=weights.device), 0)

        return hook

    handles = [
        modules[name].channel_attention.register_forward_hook(mask(channels))
        for name, channels in left_out.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def importance_table(
    whole: float, without: Mapping[float, tuple[float, float]], metric: str
) -> str:
    """A Markdown table of scores with the least and the most important channels left out.

    Args:
        whole: the score with all channels.
        without: by share of the channels, the scores without the least and without the most
            important ones.
        metric: the score's name.
    """
    lines = [
        f"| channels left out | {metric} without the least | change | without the most | change |",
        "| --- | --- | --- | --- | --- |",
        f"| none | {whole:.4f} | - | {whole:.4f} | - |",
    ]
    lines += [
        f"| {100 * share:g} % | {least:.4f} | {least - whole:+.4f} | {most:.4f} "
        f"| {most - whole:+.4f} |"
        for share, (least, most) in without.items()
    ]
    return "\n".join(lines)
