"""What attention costs: time and memory of backbones, as ratios to plain VGG16.

All variants are timed in turn in one process, so that whatever else the machine does falls on them
alike, and a ratio is the median of the rounds' own ratios.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..backbones import MSAVGG
from ..layers import MultiScaleAttention
from .measure import count_flops, exponent, interleave, peak_bytes, ratio, saved_bytes

ATTENTION = {
    "ours": {"type": "MultiScaleAttention"},
    "grouped": {"type": "GroupedMultiScaleAttention"},
    "axial": {"type": "AxialAttention"},
    "linear": {"type": "LinearAttention"},
    "deformable": {"type": "DeformableMultiScaleAttention"},
    "selective": {"type": "SelectiveMultiScaleAttention"},
    "SE": {"type": "TimmAttention", "name": "se", "options": {"rd_ratio": 1 / 16}},
    "ECA": {"type": "TimmAttention", "name": "eca"},
    "CBAM": {"type": "TimmAttention", "name": "cbam", "options": {"rd_ratio": 1 / 16}},
    "coordinate": {"type": "TimmAttention", "name": "coord", "options": {"rd_ratio": 1 / 16}},
}
"""The package's modules, and timm's with a reduction of 16."""


VARIANTS = ("plain", "naive", "ours", "fused", "compiled", *list(ATTENTION)[1:])
"""What `build_variant` builds: without attention, with the published formulation, with this
package's module as it is, prepared for inference by `fuse`, compiled by torch.compile, and with the
others of `ATTENTION`."""


class NaiveMultiScaleAttention(MultiScaleAttention):
    """The published formulation, operation by operation: what the savings are measured against."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        branch = self.multi_scale_features(x)
        statistics = [
            x.max(dim=1, keepdim=True)[0],
            x.mean(dim=1, keepdim=True),
            x.std(dim=1, keepdim=True),
        ]
        spatial = self.spatial_attention(torch.cat(statistics, dim=1))
        return x + branch * self.channel_attention(x) * spatial


def build_variant(name: str, positions: str) -> nn.Module:
    """VGG16 with an attention module after each of the positions.

    Args:
        name: one of `VARIANTS`; those of other people need timm.
        positions: 'pool', 'relu' or 'conv'.
    """
    torch.manual_seed(0)
    if name == "plain":
        return MSAVGG(out_indices=(4,), attention=None)
    model = MSAVGG(
        out_indices=(4,),
        attention=ATTENTION.get(name, ATTENTION["ours"]),
        attention_positions=positions,
        zero_init=False,
    )
    if name == "naive":
        for key, module in model.attentions.items():
            channels = module.fusion_conv.out_channels
            model.attentions[key] = NaiveMultiScaleAttention(channels, zero_init=False)
    return torch.compile(model) if name == "compiled" else model


@dataclass
class Costs:
    """What one variant costs at one size; times in seconds, one for each round.

    Attributes:
        inference: forward passes without gradients.
        training: forward and backward passes; empty for a fused variant.
        saved: bytes kept for the backward pass, parameters left out.
        peak: bytes of the tensors that exist at once in a training step, parameters and their
            gradients left out.
    """

    inference: list[float]
    training: list[float]
    saved: int
    peak: int


def measure(
    names: Sequence[str],
    positions: str,
    shape: tuple[int, int, int],
    rounds: int,
    device: str = "cpu",
    amp: bool = False,
) -> dict[str, Costs]:
    """The costs of variants, interleaved; channels_last.

    Args:
        names: of `build_variant`.
        positions: of the attention modules.
        shape: samples, height and width.
        rounds: timed rounds, after two that are not.
        device: 'cpu' or 'cuda'.
        amp: autocast to bfloat16.
    """
    samples, height, width = shape
    x = torch.randn(samples, 3, height, width, device=device)
    x = x.contiguous(memory_format=torch.channels_last)
    models = {
        name: build_variant(name, positions).to(device, memory_format=torch.channels_last)
        for name in names
    }

    def forward(model: nn.Module) -> Tensor:
        with torch.autocast(device, torch.bfloat16, enabled=amp):
            return model(x)[0]

    def inference(name: str) -> Callable[[], None]:
        model = models[name]

        def step() -> None:
            with torch.no_grad():
                forward(model)

        return step

    def backward(name: str) -> None:
        forward(models[name]).float().sum().backward()

    def training(name: str) -> Callable[[], None]:
        def step() -> None:
            models[name].zero_grad(set_to_none=True)
            backward(name)

        return step

    trained = [name for name in names if name != "fused"]
    steps = interleave({name: training(name) for name in trained}, rounds, device)
    saved = {
        name: saved_bytes(lambda name=name: forward(models[name]), [x, *models[name].parameters()])
        for name in trained
    }
    # The parameters' gradients are there by now, and are added to.
    peak = {
        name: peak_bytes(lambda name=name: backward(name), device)
        for name in trained
        if name != "compiled"
    }
    for model in models.values():
        model.zero_grad(set_to_none=True)
        model.eval()
    if "fused" in models:
        models["fused"].fuse()
    passes = interleave({name: inference(name) for name in names}, rounds, device)
    return {
        name: Costs(passes[name], steps.get(name, []), saved.get(name, 0), peak.get(name, 0))
        for name in names
    }


@dataclass
class BackboneCosts:
    """What a backbone costs at one size, the times and bytes as ratios to the first one's.

    Attributes:
        parameters: their number.
        flops: of a forward pass, see `count_flops`.
        latency: ratio of inference times, the median of interleaved rounds.
        saved: ratio of the bytes kept for the backward pass.
    """

    parameters: int
    flops: int
    latency: float
    saved: float


def compare_backbones(
    backbones: Mapping[str, nn.Module], shape: Sequence[int], rounds: int
) -> dict[str, BackboneCosts]:
    """Costs of backbones that take the same input, interleaved on the CPU; channels_last.

    Args:
        backbones: modules that return a tuple of maps; the first is the measure of the others.
        shape: (N, C, H, W).
        rounds: timed rounds, after two that are not.
    """
    x = torch.randn(*shape).contiguous(memory_format=torch.channels_last)
    models = {k: m.to(memory_format=torch.channels_last).eval() for k, m in backbones.items()}
    flops = {name: count_flops(model, shape) for name, model in models.items()}
    saved = {
        name: saved_bytes(lambda model=model: model(x)[-1], [x, *model.parameters()])
        for name, model in models.items()
    }
    with torch.no_grad():
        times = interleave({k: lambda m=m: m(x) for k, m in models.items()}, rounds)
    first = next(iter(models))
    return {
        name: BackboneCosts(
            sum(parameter.numel() for parameter in model.parameters()),
            flops[name],
            ratio(times[name], times[first]),
            saved[name] / saved[first],
        )
        for name, model in models.items()
    }


def costs_table(costs: Mapping[str, Costs]) -> str:
    """A Markdown table of what `measure` gave: medians, quartiles and ratios to the first."""
    first = next(iter(costs.values()))

    def times(own: Sequence[float], plain: Sequence[float]) -> str:
        if not own:
            return "-"
        low, median, high = 1e3 * np.percentile(own, (25, 50, 75))
        return f"{ratio(own, plain):.3f} ({median:.1f} ms, {low:.1f} to {high:.1f})"

    def memory(own: int, plain: int) -> str:
        return f"{own / plain:.3f} ({own / 2**20:.0f} MiB)" if own else "-"

    lines = [
        "| variant | inference | training step | saved activations | peak of a step |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | {times(own.inference, first.inference)} "
        f"| {times(own.training, first.training)} "
        f"| {memory(own.saved, first.saved)} | {memory(own.peak, first.peak)} |"
        for name, own in costs.items()
    ]
    return "\n".join(lines)


def growth_table(sizes: Sequence[float], costs: Sequence[Mapping[str, Costs]]) -> str:
    """A Markdown table of fitted exponents: how costs grow with pixels or with samples.

    Args:
        sizes: pixels or samples of each measurement.
        costs: what `measure` gave for each.
    """
    lines = [
        "| variant | inference | training step | saved activations |",
        "| --- | --- | --- | --- |",
    ]
    for name, one in costs[0].items():
        if one.training:
            time_exponents = [
                exponent(sizes, [float(np.median(getattr(c[name], kind))) for c in costs])
                for kind in ("inference", "training")
            ]
            saved = exponent(sizes, [c[name].saved for c in costs])
            cells = " | ".join(f"{value:.2f}" for value in (*time_exponents, saved))
            lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)
