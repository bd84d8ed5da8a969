"""Measuring time, memory and arithmetic of functions and modules."""

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
import torchvision  # noqa: F401  (registers deform_conv2d)
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

WARMUP_ROUNDS = 2


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


def count_flops(module: nn.Module, shape: Sequence[int]) -> int:
    """Floating-point operations of a forward pass, see `counting_flops`; on the meta device.

    Args:
        module: what is counted; it is not changed.
        shape: of the input, (N, C, H, W).
    """
    counted = copy.deepcopy(module).to("meta").eval()
    with torch.no_grad(), counting_flops() as counter:
        counted(torch.empty(*shape, device="meta"))
    return counter.get_total_flops()


@contextmanager
def counting_flops() -> Iterator[FlopCounterMode]:
    """torch's counter of convolutions and matrix products, an addition and a product as two.

    It knows deformable convolution too. On the meta device attention is counted by its formula:
    what runs on CPUs and GPUs may be other operations.
    """

    def deformable(x: Sequence[int], weight: Sequence[int], *_: object, out_shape: tuple) -> int:
        return conv_flop_count(x, weight, out_shape)

    formulas = {torch.ops.torchvision.deform_conv2d: deformable}
    with (
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False, custom_mapping=formulas) as counter,
    ):
        yield counter


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The b of the least-squares fit costs = a * sizes ** b."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def ratio(own: Sequence[float], plain: Sequence[float]) -> float:
    """The median of the rounds' ratios."""
    return float(np.median(np.array(own) / np.array(plain)))
