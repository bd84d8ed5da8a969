"""How near the Triton kernels come to the time that a GPU takes to move their bytes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..ops.gpu.limits import branch_outputs, has_few_channels

VGG_STAGES = ((64, 2), (128, 4), (256, 8), (512, 16), (512, 32))
"""Channels of VGG16's stages and their strides behind the pools."""


@dataclass
class Pass:
    """One pass over a map.

    Attributes:
        name: 'first pass', 'its weights', 'second pass', or one with 'backward'.
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
    from ..ops.gpu import combine_backward, few_channels, few_channels_backward, read
    from ..ops.gpu.combine import combine

    samples, height, width = shape
    passes: list[Pass] = []
    for channels, stride in VGG_STAGES:
        stride = stride if positions == "pool" else stride // 2
        size = samples, channels, height // stride, width // stride
        hidden = channels // reduction_ratio
        like = {"device": "cuda", "dtype": dtype}
        last = {"memory_format": torch.channels_last}
        x, grad = (torch.randn(size, **like).to(**last) for _ in range(2))
        scales = torch.randn(samples, branch_outputs(hidden), *size[2:], **like).to(**last)
        spatial = torch.rand(samples, 1, *size[2:], **like)
        channel = torch.rand(samples, channels, device="cuda")
        weight = torch.randn(scales.shape[1], channels, 5, 5, **like).to(**last)
        bias = torch.randn(len(weight), **like)
        fusion = torch.randn(channels, 3 * hidden, 1, 1, **like), torch.randn(channels, **like)
        given = torch.randn(samples, 3, *size[2:], **like), torch.randn_like(channel)
        second = scales, spatial, channel, *fusion
        statistics = given[0].nbytes

        def measure(name: str, step: Callable[[], object], moved: int, size: tuple = size) -> None:
            passes.append(Pass(name, size, _seconds(step), moved))

        # Called at once: what they take of the loop is as it is.
        if has_few_channels(x, hidden, dtype):
            measure(
                "first pass",
                lambda: few_channels.branches_and_statistics(x, weight, bias, hidden, True),  # noqa: B023
                x.nbytes + statistics + scales.nbytes,
            )
            measure(
                "first pass backward",
                lambda: few_channels_backward.input_gradient(  # noqa: B023
                    x,
                    weight,
                    hidden,
                    grad,
                    scales,
                    *given,  # noqa: B023
                ),
                3 * x.nbytes + statistics + scales.nbytes,
            )
            measure(
                "its weights",
                lambda: few_channels_backward.weight_gradients(x, scales, hidden, dtype),  # noqa: B023
                x.nbytes + scales.nbytes,
            )
        else:
            measure("first pass", lambda: read.read(x), x.nbytes + statistics)  # noqa: B023
            measure(
                "first pass backward",
                lambda: read.read_backward(x, grad, grad, *given),  # noqa: B023
                4 * x.nbytes + statistics,
            )
        measure(
            "second pass",
            lambda: combine(x, *second),  # noqa: B023
            2 * x.nbytes + scales.nbytes + spatial.nbytes,
        )
        measure(
            "second pass backward",
            lambda: combine_backward.combine_backward(grad, *second),  # noqa: B023
            x.nbytes + 2 * scales.nbytes + 3 * spatial.nbytes,
        )
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
