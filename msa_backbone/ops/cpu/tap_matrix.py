"""The branches' kernels as one matrix: convolutions of few outputs as matrix products.

For each row of the kernels, one product of full width gives what all their columns, the taps, take
from a row of x. Products of different rows add up, and the taps are then added with their shifts.
No patches are copied (kn2row, https://arxiv.org/abs/1704.04428, section 3.2, here with a row of all
kernels as one product).
"""

import torch
from torch import Tensor

SIZES = (1, 3, 5)
"""Kernel sizes of the branches, in the order of their outputs."""

ROWS = (-2, -1, 1, 2, 0)
"""Rows of the largest kernel, in the order of the tap matrix."""


def tap_matrix(*kernels: Tensor) -> Tensor:
    """The branches' weights, row by row of the kernels.

    Args:
        kernels: (h, C, k, k) for each k in `SIZES`.

    Returns:
        (35 * h, C): for each of `ROWS`, the outputs of every column of the kernels that have such
        a row, the largest kernel first.
    """
    columns = [kernel.permute(2, 3, 0, 1) for kernel in kernels]  # (k, k, h, C)
    taps = [
        column[dy + len(column) // 2]
        for dy in ROWS
        for column in reversed(columns)
        if abs(dy) <= len(column) // 2
    ]
    return torch.cat(taps).flatten(0, 1)


def split(taps: Tensor) -> tuple[int, dict[int, Tensor]]:
    """h, and the tap matrix as views by row of the kernels."""
    hidden = len(taps) // sum(size**2 for size in SIZES)
    lengths = [hidden * sum(size for size in SIZES if abs(dy) <= size // 2) for dy in ROWS]
    return hidden, dict(zip(ROWS, taps.split(lengths), strict=True))


def shifts_of(width: int) -> list[tuple[int, int, tuple[int, int, int], tuple[int, int, int]]]:
    """For each tap: its number, its branch, the columns it gives to and those it takes from.

    Columns as arguments of `Tensor.narrow`. The taps without a shift come first.
    """
    shifts, tap = [], 0
    for branch, size in reversed(list(enumerate(SIZES))):
        for dx in range(-(size // 2), size // 2 + 1):
            length = max(0, width - abs(dx))
            gives, takes = min(max(0, -dx), width), min(max(0, dx), width)
            shifts.append((abs(dx), tap, branch, (-1, gives, length), (-1, takes, length)))
            tap += 1
    return [shift[1:] for shift in sorted(shifts)]
