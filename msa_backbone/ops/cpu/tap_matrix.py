"""The branches' kernels as one matrix, for the backward pass on CPUs.

A CPU's convolutions are slow with few channels on one side, and so are their backward passes: the
gradients of three branches with h = C / 16 outputs. A product of matrices is fast. A kernel of
k x k weights is k * k such products, one for each tap (the weights of one place in the kernel,
h x C): multiply the whole map by the tap, shift what comes out by the tap's place, add up. No
patches of x are copied, as im2col does (kn2row, https://arxiv.org/abs/1704.04428, section 3.2).

Here one product serves all taps of one row of all three kernels. The matrix holds the taps row by
row; the shifts along the columns, `shifts_of`, are the same for each row.
"""

import torch
from torch import Tensor

SIZES = (1, 3, 5)
"""Kernel sizes of the branches, in the order of their outputs."""

ROWS = (-2, -1, 1, 2, 0)
"""Rows of the largest kernel, counted from its centre, in the order of the tap matrix."""


def tap_matrix(*kernels: Tensor) -> Tensor:
    """The weights of all branches, row by row of the kernels.

    Args:
        kernels: (h, C, k, k) for each k in `SIZES`.

    Returns:
        (35 * h, C): for each of `ROWS`, the taps of that row of each kernel that has it, the
        largest kernel first. A tap is h rows of this matrix.
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
    """h, and for each row of the kernels its part of the tap matrix, as a view."""
    hidden = len(taps) // sum(size**2 for size in SIZES)
    lengths = [hidden * sum(size for size in SIZES if abs(dy) <= size // 2) for dy in ROWS]
    return hidden, dict(zip(ROWS, taps.split(lengths), strict=True))


def shifts_of(width: int) -> list[tuple[int, int, tuple[int, int, int], tuple[int, int, int]]]:
    """How the taps of one row of the kernels shift a map's columns.

    A tap `dx` columns right of the centre gives column i what it takes from column i + dx, where
    both lie in the map.

    Args:
        width: columns of the map.

    Returns:
        For each tap, those without a shift first: its number, its branch, the columns it gives to
        and those it takes from, both as arguments of `Tensor.narrow`.
    """
    shifts, tap = [], 0
    for branch, size in reversed(list(enumerate(SIZES))):
        for dx in range(-(size // 2), size // 2 + 1):
            length = max(0, width - abs(dx))
            gives, takes = min(max(0, -dx), width), min(max(0, dx), width)
            shifts.append((abs(dx), tap, branch, (-1, gives, length), (-1, takes, length)))
            tap += 1
    return [shift[1:] for shift in sorted(shifts)]
