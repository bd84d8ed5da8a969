"""Measuring time, memory and arithmetic of functions and modules."""

import copy
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
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
    """Time functions that take turns, in seconds, after two rounds that are not timed.

    A round calls every function once, so that a slow moment of the machine falls on all of them.
    Their order is drawn anew each round: what one leaves behind in caches and threads is then found
    by all of them alike.

    Args:
        steps: functions by name.
        rounds: timed rounds.
        device: 'cuda' waits for the GPU before a time is taken.

    Returns:
        A time for each round, by name.
    """
    times: dict[str, list[float]] = {name: [] for name in steps}
    order, generator = list(steps), random.Random(0)
    for turn in range(WARMUP_ROUNDS + rounds):
        generator.shuffle(order)
        for name in order:
            start = time.perf_counter()
            steps[name]()
            if device == "cuda":
                torch.cuda.synchronize()
            if turn >= WARMUP_ROUNDS:
                times[name].append(time.perf_counter() - start)
    return times


def record(step: Callable[[], object]) -> Callable[[], object]:
    """A step recorded in a CUDA graph: what replays it, with one launch for all its kernels.

    It works on the tensors that it was recorded with, wherever they lie.
    """
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # compiles, and chooses algorithms, before the recording
        for _ in range(WARMUP_ROUNDS + 1):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def saved_bytes(forward: Callable[[], Tensor], ignored: Iterable[Tensor]) -> int:
    """Bytes that a forward pass keeps for the backward pass.

    A tensor that several operations keep counts once.

    Args:
        forward: the pass.
        ignored: tensors that do not count, such as parameters and the input; nor do the copies of
            parameters in 16 bit that autocast makes.
    """
    left_out = {tensor.untyped_storage().data_ptr() for tensor in ignored}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        original = _before_cast(tensor)
        if original.untyped_storage().data_ptr() not in left_out:
            kept.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        output = forward()
    del output
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def _before_cast(tensor: Tensor) -> Tensor:
    """The parameter that a tensor is a copy of in another dtype; else the tensor itself."""
    step = (tensor if tensor._base is None else tensor._base).grad_fn  # a layer may transpose it
    if step is None or step.name() != "ToCopyBackward0":
        return tensor
    return getattr(step.next_functions[0][0], "variable", tensor)  # only a parameter's step has it


def peak_bytes(step: Callable[[], object], device: str = "cpu") -> int:
    """The most memory that the tensors of a step take at one moment, in bytes.

    On CUDA its allocator is asked. On the CPU the results of operations are added up while they
    exist; what an operation allocates inside itself is not seen there.
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
    """torch's counter of the arithmetic of convolutions and matrix products.

    An addition and a multiplication are two operations. Deformable convolution is added to what
    torch's counter knows. Count on the meta device: there attention runs as its formula, while the
    fast forms for CPUs and GPUs do other arithmetic.
    """

    import torchvision  # noqa: F401  (registers deform_conv2d; takes a second, which few need)

    def deformable(x: Sequence[int], weight: Sequence[int], *_: object, out_shape: tuple) -> int:
        return conv_flop_count(x, weight, out_shape)

    formulas = {torch.ops.torchvision.deform_conv2d: deformable}
    with (
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False, custom_mapping=formulas) as counter,
    ):
        yield counter


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """How costs grow: the b of costs = a * sizes ** b, a least-squares fit of the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def ratio(times: Sequence[float], plain_times: Sequence[float]) -> float:
    """The median of the ratios of two functions' times within a round, see `interleave`."""
    return float(np.median(np.array(times) / np.array(plain_times)))
