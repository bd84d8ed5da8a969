"""How near the Triton kernels come to the time that a GPU takes to move their bytes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..files.markdown import markdown_table
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
    samples, height, width = shape
    passes: list[Pass] = []
    for channels, stride in VGG_STAGES:
        stride = stride if positions == "pool" else stride // 2
        size = samples, channels, height // stride, width // stride
        passes += _measure_map(size, dtype, channels // reduction_ratio)
    return passes


def _measure_map(size: tuple[int, int, int, int], dtype: torch.dtype, hidden: int) -> list[Pass]:
    """The kernels on one map, (N, C, H, W), with `hidden` outputs of each branch."""
    from ..ops.gpu import combine_backward, few_channels, few_channels_backward, read
    from ..ops.gpu.combine import combine

    like = {"device": "cuda", "dtype": dtype}
    last = {"memory_format": torch.channels_last}
    samples, channels, *image = size
    x, grad = (torch.randn(size, **like).to(**last) for _ in range(2))
    scales = torch.randn(samples, branch_outputs(hidden), *image, **like).to(**last)
    weight = torch.randn(scales.shape[1], channels, 5, 5, **like).to(**last)
    bias = torch.randn(len(weight), **like)
    spatial = torch.rand(samples, 1, *image, **like)
    channel = torch.rand(samples, channels, device="cuda")
    fusion = torch.randn(channels, 3 * hidden, 1, 1, **like), torch.randn(channels, **like)
    given = torch.randn(samples, 3, *image, **like), torch.randn_like(channel)
    second = scales, spatial, channel, *fusion
    maps, few = given[0].nbytes, has_few_channels(x, hidden, dtype)
    steps: list[tuple[str, Callable[[], object], int]]
    if few:
        steps = [
            (
                "first pass",
                lambda: few_channels.branches_and_statistics(x, weight, bias, hidden, True),
                x.nbytes + maps + scales.nbytes,
            ),
            (
                "first pass backward",
                lambda: few_channels_backward.input_gradient(
                    x, weight, hidden, grad, scales, *given
                ),
                3 * x.nbytes + maps + scales.nbytes,
            ),
            (
                "its weights",
                lambda: few_channels_backward.weight_gradients(x, scales, hidden, dtype),
                x.nbytes + scales.nbytes,
            ),
        ]
    else:
        steps = [
            ("first pass", lambda: read.read(x), x.nbytes + maps),
            (
                "first pass backward",
                lambda: read.read_backward(x, grad, grad, *given),
                4 * x.nbytes + maps,
            ),
        ]
    steps += [
        (
            "second pass",
            lambda: combine(x, *second),
            2 * x.nbytes + scales.nbytes + spatial.nbytes,
        ),
        (
            "second pass backward",
            lambda: combine_backward.combine_backward(grad, *second),
            x.nbytes + 2 * scales.nbytes + 3 * spatial.nbytes,
        ),
    ]
    return [Pass(name, size, _seconds(step), moved) for name, step, moved in steps]


def bandwidth_table(passes: list[Pass], copy: float) -> str:
    """A Markdown table: every pass's time, and its bytes' time by a copy as a share of it."""
    rows = [(p.name, "x".join(map(str, p.shape)), p.seconds, p.bytes) for p in passes]
    for name in dict.fromkeys(p.name for p in passes):
        same = [p for p in passes if p.name == name]
        rows.append((name, "all", sum(p.seconds for p in same), sum(p.bytes for p in same)))
    table = markdown_table(
        ["pass", "map", "time", "of the copy's bandwidth"],
        [
            [name, size, f"{1e6 * seconds:.1f} us", f"{moved / seconds / copy:.0%}"]
            for name, size, seconds, moved in rows
        ],
    )
    return f"copy: {copy / 1e12:.2f} TB/s read and written\n\n{table}"


def _seconds(step: Callable[[], object]) -> float:
    from triton.testing import do_bench

    return do_bench(step, return_mode="median") / 1e3
