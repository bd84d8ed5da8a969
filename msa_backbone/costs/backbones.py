"""What attention costs: time and memory of backbones, as ratios to plain VGG16.

Times on a busy machine drift. So all variants take turns in one process: a round runs each of them
once, and what else the machine does in that round falls on all alike. Ratios are taken within a
round; the median over the rounds is reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from ..backbones import MSAVGG, MultiModalMSAVGG
from ..layers import MultiScaleAttention
from .measure import count_flops, interleave, peak_bytes, ratio, record, saved_bytes
from .variants import ATTENTION


class NaiveMultiScaleAttention(MultiScaleAttention):
    """The formula, operation by operation: what this package's faster form is compared with."""

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
    """VGG16, with an attention module at every stage.

    Args:
        name: one of `variants.VARIANTS`; the modules from timm need that package.
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
    form: str = "eager",
) -> dict[str, Costs]:
    """Measure variants in turn, on random images in channels_last.

    Args:
        names: of `build_variant`.
        positions: of the attention modules.
        shape: samples, height and width.
        rounds: timed rounds, after two that are not.
        device: 'cpu' or 'cuda'.
        amp: autocast to bfloat16.
        form: one of `variants.FORMS`. Only 'eager' tells the peak.
    """
    samples, height, width = shape
    x = torch.randn(samples, 3, height, width, device=device)
    x = x.contiguous(memory_format=torch.channels_last)
    models = {
        name: build_variant(name, positions).to(device, memory_format=torch.channels_last)
        for name in names
    }

    if form.startswith("compiled"):
        for model in models.values():
            model.compile()
    launched = record if form.endswith("graph") else lambda step: step

    def forward(model: nn.Module) -> Tensor:
        with torch.autocast(device, torch.bfloat16, enabled=amp):
            return model(x)[0]

    def infer(name: str) -> None:
        with torch.no_grad():
            forward(models[name])

    def backward(name: str) -> None:
        forward(models[name]).float().sum().backward()

    def train(name: str) -> None:
        models[name].zero_grad(set_to_none=True)
        backward(name)

    trained = [name for name in names if name != "fused"]  # a fused model cannot train
    training = {name: launched(partial(train, name)) for name in trained}
    steps = interleave(training, rounds, device)
    saved = {
        name: saved_bytes(partial(forward, models[name]), [x, *models[name].parameters()])
        for name in trained
    }
    # The timed steps left gradients in the parameters. Backward passes add to those and allocate
    # no new ones, so that they are not part of the peak.
    peak = {
        name: peak_bytes(partial(backward, name), device)
        for name in trained
        if form == "eager" and name != "compiled"
    }
    training.clear()  # recorded steps hold the memory that they ran in
    for model in models.values():
        model.zero_grad(set_to_none=True)
        model.eval()
    if "fused" in models:
        models["fused"].fuse()
    inference = {name: launched(partial(infer, name)) for name in names}
    passes = interleave(inference, rounds, device)
    return {
        name: Costs(passes[name], steps.get(name, []), saved.get(name, 0), peak.get(name, 0))
        for name in names
    }


@dataclass
class BackboneCosts:
    """What a backbone costs at one input size; two of the numbers are ratios to a first backbone.

    Attributes:
        parameters: their number.
        flops: floating-point operations of a forward pass, see `count_flops`.
        latency: inference time over that of the first backbone, the median over the rounds.
        saved: bytes kept for the backward pass over those of the first backbone. Stages with
            `with_cp` keep their input alone.
    """

    parameters: int
    flops: int
    latency: float
    saved: float


def compare_backbones(
    backbones: Mapping[str, nn.Module], shape: Sequence[int], rounds: int
) -> dict[str, BackboneCosts]:
    """Measure backbones in turn on random inputs of one size, on the CPU in channels_last.

    Args:
        backbones: modules that return a tuple of maps; ratios are to the first of them.
        shape: (N, C, H, W); a MSAVGG gets the channels that it takes, of all its modalities.
        rounds: timed rounds, after two that are not.
    """
    models = {k: m.to(memory_format=torch.channels_last).eval() for k, m in backbones.items()}
    shapes = {name: input_shape(model, shape) for name, model in models.items()}
    flops = {name: count_flops(model, shapes[name]) for name, model in models.items()}
    xs = {
        name: torch.randn(*shape).contiguous(memory_format=torch.channels_last)
        for name, shape in shapes.items()
    }
    saved = {name: _saved_in_training(model, xs[name]) for name, model in models.items()}
    with torch.no_grad():
        steps = {name: lambda m=m, x=xs[name]: m(x) for name, m in models.items()}
        times = interleave(steps, rounds)
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


def _saved_in_training(model: nn.Module, x: Tensor) -> int:
    """Bytes kept for the backward pass, with the stages recomputed that `with_cp` names.

    Only the backbone itself is told that it trains: its norms keep their statistics, and nothing
    is dropped.
    """
    model.training = True
    saved = saved_bytes(lambda: model(x)[-1], [x, *model.parameters()])
    model.eval()
    return saved


def input_shape(backbone: nn.Module, shape: Sequence[int]) -> tuple[int, ...]:
    """A shape, (N, C, H, W), with the channels that a MSAVGG takes, of all modalities together."""
    samples, channels, height, width = shape
    if isinstance(backbone, MultiModalMSAVGG):
        channels = sum(backbone.in_channels)
    elif isinstance(backbone, MSAVGG):
        channels = backbone.features[0].in_channels
    return samples, channels, height, width
