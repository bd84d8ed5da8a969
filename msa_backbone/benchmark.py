"""What attention costs: time and memory of backbones, as ratios to plain VGG16.

All variants are timed in turn in one process, so that whatever else the machine does falls on them
alike, and a ratio is the median of the rounds' own ratios.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .backbones import MSAVGG
from .layers import MultiScaleAttention

WARMUP_ROUNDS = 2
PEERS = ("SE", "ECA", "CBAM")
"""Other attention modules: timm's, with a reduction of 16."""


VARIANTS = ("plain", "naive", "ours", "fused", "compiled", *PEERS)
"""What `build_variant` builds: without attention, with the published formulation, with this
package's module as it is, prepared for inference by `fuse`, compiled by torch.compile."""


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
        name: one of `VARIANTS`; those of `PEERS` need timm.
        positions: 'pool', 'relu' or 'conv'.
    """
    torch.manual_seed(0)
    if name == "plain":
        return MSAVGG(out_indices=(4,), attention=None)
    model = MSAVGG(out_indices=(4,), attention_positions=positions, zero_init=False)
    for key, module in model.attentions.items():
        channels = module.fusion_conv.out_channels
        if name == "naive":
            model.attentions[key] = NaiveMultiScaleAttention(channels, zero_init=False)
        elif name in PEERS:
            import timm.layers

            options = {} if name == "ECA" else {"rd_ratio": 1 / 16}
            model.attentions[key] = timm.layers.create_attn(name.lower(), channels, **options)
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


def interleave(
    steps: Mapping[str, Callable[[], object]], rounds: int, device: str = "cpu"
) -> dict[str, list[float]]:
    """Times of functions that take turns, in seconds, after two rounds that are not timed.

    Each round another one is first: what that costs or gives falls on all.
    """
    times: dict[str, list[float]] = {name: [] for name in steps}
    order = list(steps)
    for turn in range(WARMUP_ROUNDS + rounds):
        order = order[1:] + order[:1]
        for name in order:
            start = time.perf_counter()
            steps[name]()
            if device == "cuda":
                torch.cuda.synchronize()
            if turn >= WARMUP_ROUNDS:
                times[name].append(time.perf_counter() - start)
    return times


def saved_bytes(forward: Callable[[], Tensor], ignored: Iterable[Tensor]) -> int:
    """Bytes that a forward pass keeps for the backward pass, each storage once.

    Args:
        forward: the pass.
        ignored: tensors that do not count, such as parameters and the input.
    """
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        output = forward()
    for tensor in ignored:
        kept.pop(tensor.untyped_storage().data_ptr(), None)
    del output
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def peak_bytes(step: Callable[[], object], device: str = "cpu") -> int:
    """The most bytes of tensors that a step has made and not yet dropped, at once.

    On CUDA as its allocator counts; on the CPU what lives inside one operation is not seen.
    """
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return torch.cuda.max_memory_allocated() - before
    with _LiveTensors() as live:
        step()
    return live.peak


class _LiveTensors(TorchDispatchMode):
    """Counts the bytes of the storages that operations have made and that still exist."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._sizes: dict[StorageWeakRef, int] = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        given = {t.untyped_storage()._cdata for t in tree_leaves((args, kwargs)) if _is_tensor(t)}
        result = function(*args, **(kwargs or {}))
        for tensor in filter(_is_tensor, tree_leaves(result)):
            storage = tensor.untyped_storage()
            if storage._cdata not in given:
                self._sizes[StorageWeakRef(storage)] = storage.nbytes()
        self._sizes = {ref: size for ref, size in self._sizes.items() if not ref.expired()}
        self.peak = max(self.peak, sum(self._sizes.values()))
        return result


def _is_tensor(leaf: object) -> bool:
    return isinstance(leaf, Tensor)


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The b of the least-squares fit costs = a * sizes ** b."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def ratio(own: Sequence[float], plain: Sequence[float]) -> float:
    """The median of the rounds' ratios."""
    return float(np.median(np.array(own) / np.array(plain)))


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
