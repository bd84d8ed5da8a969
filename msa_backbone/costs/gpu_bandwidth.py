"""How near the Triton kernels come to the time that a GPU takes to move their bytes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..ops.gpu.limits import branch_outputs

VGG_STAGES = ((64, 2), (128, 4), (256, 8), (512, 16), (512, 32))
"""Channels of VGG16's stages and their strides behind the pools."""


@dataclass
class Pass:
    """One pass over a map.

    Attributes:
        name: 'read', 'read backward' or 'combine'.
        shape: of the map, (N, C, H, W).
        seconds: median on the GPU, caches emptied before.
        bytes: what must be read and written, everything once.
    """

    name: str
    shape: tuple[int, int, int, int]
    seconds: float
    bytes: int


def measure_copy(elements: int = 2**29) -> float:
    """Bytes a second, read and written, of a copy within the GPU's memory."""
    source = torch.randn(elements, device="cuda")
    target = torch.empty_like(source)
    return 2 * source.nbytes / _seconds(lambda: target.copy_(source))


def measure_passes(
    shape: tuple[int, int, int], positions: str, dtype: torch.dtype, reduction_ratio: int = 16
) -> list[Pass]:
    """The kernels on the maps of VGG16's stages, channels_last.

    Args:
        shape: samples, height and width of the images.
        positions: 'pool', or another for the maps before the pools.
        dtype: of the maps.
        reduction_ratio: of the branches.
    """
    from ..ops.gpu import combine as gpu_combine
    from ..ops.gpu import read_combine

    samples, height, width = shape
    passes = []
    for channels, stride in VGG_STAGES:
        stride = stride if positions == "pool" else stride // 2
        size = samples, channels, height // stride, width // stride
        x = torch.randn(size, device="cuda", dtype=dtype).to(memory_format=torch.channels_last)
        inputs = branch_outputs(channels // reduction_ratio)
        like = {"device": "cuda", "dtype": dtype}
        branches = torch.randn(samples, inputs, *size[2:], **like)
        branches = branches.to(memory_format=torch.channels_last)
        spatial = torch.rand(samples, 1, *size[2:], **like)
        channel = torch.rand(samples, channels, 1, 1, **like)
        fusion = torch.randn(channels, inputs, **like)
        needs_grad = x.clone().requires_grad_()
        outputs = read_combine.read(needs_grad)
        grads = [torch.randn_like(output) for output in outputs]

        def backward(outputs=outputs, needs_grad=needs_grad, grads=grads) -> None:
            torch.autograd.grad(outputs, needs_grad, grads, retain_graph=True)

        def combine(x=x, inputs=(branches, spatial, channel, fusion)) -> None:
            gpu_combine.combine(x, *inputs)

        statistics = 3 * spatial.nbytes
        passes += [
            Pass("read", size, _seconds(lambda x=x: read_combine.read(x)), x.nbytes + statistics),
            Pass("read backward", size, _seconds(backward), 3 * x.nbytes + statistics),
            Pass(
                "combine", size, _seconds(combine), 2 * x.nbytes + branches.nbytes + spatial.nbytes
            ),
        ]
    return passes


def bandwidth_table(passes: list[Pass], copy: float) -> str:
    """A Markdown table: every pass's time, and its bytes' time by a copy as a share of it."""
    lines = [
        f"copy: {copy / 1e12:.2f} TB/s read and written",
        "",
        "| pass | map | time | of the copy's bandwidth |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {p.name} | {'x'.join(map(str, p.shape))} | {1e6 * p.seconds:.1f} us "
        f"| {p.bytes / p.seconds / copy:.0%} |"
        for p in passes
    ]
    for name in dict.fromkeys(p.name for p in passes):
        own = [p for p in passes if p.name == name]
        seconds = sum(p.seconds for p in own)
        share = sum(p.bytes for p in own) / seconds / copy
        lines.append(f"| {name} | all | {1e6 * seconds:.1f} us | {share:.0%} |")
    return "\n".join(lines)


def _seconds(step: Callable[[], object]) -> float:
    from triton.testing import do_bench

    return do_bench(step, return_mode="median") / 1e3
