"""Where a backbone's costs are: by stage, and by part of its attention.

Parameters and arithmetic are counted, memory and time are measured. The fast forms of Multi-Scale
Attention compute its parts together. So here it runs as its formula, operation by operation, which
takes more time and memory. What a backbone costs as a whole is for `backbones.compare_backbones`.
"""

import copy
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from ..backbones import MSAVGG
from ..layers import MultiModalAttention, MultiScaleAttention
from .backbones import input_shape
from .measure import WARMUP_ROUNDS, counting_flops

VGG, ATTENTION = "VGG", "attention"
PARTS = {
    "scales": "branches",
    "channel_weights": "channel gate",
    "spatial_weights": "spatial gate",
}
"""Methods of Multi-Scale Attention and the parts that they compute; the rest is the fusion."""

FUSION, WORDS = "fusion", "words"
Place = tuple[int, str]  # a stage, counted from 1, and a part


@dataclass
class PartCosts:
    """What one part of one stage costs.

    Attributes:
        stage: counted from 1.
        part: 'VGG', 'attention' as a whole, or the parts of Multi-Scale Attention: 'branches',
            'channel gate', 'spatial gate' and 'fusion', which are the fusing convolution, the
            gating and the sum. What attention listens with is 'words', which costs nothing here:
            nobody speaks.
        parameters: their number.
        flops: of a forward pass, of convolutions and matrix products.
        saved: bytes kept for the backward pass, without parameters and without the input image,
            and as if `with_cp` were off: with it a stage keeps its input alone.
        latency: seconds of a forward pass, the median of the rounds.
    """

    stage: int
    part: str
    parameters: int
    flops: int
    saved: int
    latency: float


def part_costs(backbone: MSAVGG, shape: Sequence[int], rounds: int = 10) -> list[PartCosts]:
    """Costs of every stage's VGG layers and of the parts of its attention.

    Of several modalities, all streams are VGG, and a fusion is one part.

    Args:
        backbone: what is measured, on the CPU in channels_last; it is not changed.
        shape: of the input, (N, C, H, W); the backbone gets the channels that it takes.
        rounds: timed forward passes, after two that are not.

    Returns:
        Stage by stage, VGG first.
    """
    model = copy.deepcopy(backbone).eval().to(memory_format=torch.channels_last)
    shape = input_shape(model, shape)
    x = torch.randn(*shape).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        passes = [_attribute(model, x, time.perf_counter) for _ in range(WARMUP_ROUNDS + rounds)]
        with counting_flops() as counter:
            meta = copy.deepcopy(model).to("meta")
            flops = _attribute(meta, x.to("meta"), counter.get_total_flops)
    saved = _saved_by_part(model, x)
    parameters = _parameters_by_part(model)
    return [
        PartCosts(
            stage,
            part,
            parameters.get((stage, part), 0),
            int(flops[stage, part]),
            int(saved[stage, part]),
            float(np.median([times[stage, part] for times in passes[WARMUP_ROUNDS:]])),
        )
        for stage, part in sorted({*flops, *parameters}, key=_place_in_order)
    ]


_ORDER = (VGG, ATTENTION, *PARTS.values(), FUSION, WORDS)


def _place_in_order(place: Place) -> tuple[int, int]:
    stage, part = place
    return stage, _ORDER.index(part)


class _Ledger:
    """Divides what a meter counts among parts that contain each other.

    The meter is a clock or a counter. A part gets what is counted while it runs, without what the
    parts inside it get.
    """

    def __init__(self, read: Callable[[], float]) -> None:
        self.read = read
        self.shares: dict[Place, float] = defaultdict(float)
        self._open: list[Place] = []
        self._last = 0.0

    def _settle(self) -> None:
        now = self.read()
        if self._open:
            self.shares[self._open[-1]] += now - self._last
        self._last = now

    @contextmanager
    def part(self, place: Place) -> Iterator[None]:
        self._settle()
        self._open.append(place)
        try:
            yield
        finally:
            self._settle()
            self._open.pop()


def _parts(model: MSAVGG) -> Iterator[tuple[int, str, nn.Module]]:
    """The stage, VGG or ATTENTION, and the module of all that runs in a backbone."""
    for number, stage in enumerate(model.stages, 1):
        for name in stage.modules:
            part = VGG if name.startswith("features.") else ATTENTION
            yield number, part, model.get_submodule(name)
            exchange = name.replace("attentions.", "exchanges.")
            if part == ATTENTION and exchange.partition(".")[2] in getattr(model, "exchanges", ()):
                yield number, part, model.get_submodule(exchange)
        for stream in getattr(model, "streams", {}).values():
            for name in stream.stages[number - 1].modules:
                yield number, VGG, stream.get_submodule(name)


def _has_parts(module: nn.Module) -> bool:
    """Whether it runs the methods of `PARTS`; a fusion runs others."""
    return isinstance(module, MultiScaleAttention) and not isinstance(module, MultiModalAttention)


def _attribute(model: MSAVGG, x: Tensor, read: Callable[[], float]) -> dict[Place, float]:
    """Run the model once, and divide what the meter `read` counts among its parts."""
    ledger = _Ledger(read)

    def counted(function: Callable, place: Place) -> Callable:
        @wraps(function)
        def run(*args: object, **options: object) -> object:
            with ledger.part(place):
                return function(*args, **options)

        return run

    with _replaced() as replace:
        for stage, name, module in _parts(model):
            if _has_parts(module):
                replace(module, "forward", counted, (stage, FUSION))
                for method, part in PARTS.items():
                    replace(module, method, counted, (stage, part))
            else:
                replace(module, "forward", counted, (stage, name))
        model(x)
    return ledger.shares


@contextmanager
def _replaced() -> Iterator[Callable]:
    """Replaces methods of objects until the block ends."""
    undo: list[tuple[object, str]] = []

    def replace(owner: nn.Module, name: str, make: Callable, place: Place) -> None:
        setattr(owner, name, make(getattr(owner, name), place))
        undo.append((owner, name))

    try:
        yield replace
    finally:
        for owner, name in undo:
            delattr(owner, name)


def _saved_by_part(model: MSAVGG, x: Tensor) -> dict[Place, float]:
    """Bytes kept for the backward pass; what several parts keep counts for the first of them."""
    ignored = {t.untyped_storage().data_ptr() for t in (x, *model.parameters())}
    kept: dict[int, Tensor] = {}
    total = 0

    def keep(tensor: Tensor) -> Tensor:
        nonlocal total
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in ignored and storage.data_ptr() not in kept:
            kept[storage.data_ptr()] = tensor
            total += storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        return _attribute(model, x, lambda: total)


def _parameters_by_part(model: MSAVGG) -> dict[Place, int]:
    counts: dict[Place, int] = defaultdict(int)
    owners = {"channel_attention": "channel gate", "spatial_attention": "spatial gate"}
    owners |= {"fusion_conv": FUSION}
    for stage, name, module in _parts(model):
        for parameter_name, parameter in module.named_parameters():
            part = name
            if _has_parts(module):
                owner = parameter_name.split(".")[0]
                listens = owner in getattr(module, "language_parts", ())
                part = WORDS if listens else owners.get(owner, "branches")
            counts[stage, part] += parameter.numel()
    return counts
