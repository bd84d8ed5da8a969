"""Pictures on a grid."""

import numpy as np
import pytest

from msa_backbone.files.images import read_image
from msa_backbone.plots.grid import save_grid


def test_pictures_of_one_size_stay_as_they_are(tmp_path):
    pictures = [np.full((10, 20, 3), value, np.uint8) for value in (10, 90, 170, 210)]
    save_grid(pictures, tmp_path / "grid.png", columns=2, gap=4)
    grid = read_image(tmp_path / "grid.png")
    assert grid.shape == (24, 44, 3)
    assert (grid[:10, :20] == 10).all()
    assert (grid[:10, 24:] == 90).all()
    assert (grid[14:, :20] == 170).all()
    assert (grid[14:, 24:] == 210).all()
    assert (grid[10:14] == 255).all() and (grid[:, 20:24] == 255).all()


@pytest.mark.parametrize("columns", [1, 2, 4])
@pytest.mark.parametrize("number", [1, 2, 3, 5, 6, 7])
def test_pictures_of_any_sizes_leave_no_holes(number, columns, tmp_path):
    sizes = [(375, 1000), (64, 64), (500, 333), (20, 400), (480, 640), (90, 30), (7, 9)][:number]
    pictures = [np.full((*size, 3), 20 + 30 * i, np.uint8) for i, size in enumerate(sizes)]
    save_grid(pictures, tmp_path / "grid.png", columns)
    grid = read_image(tmp_path / "grid.png")
    assert set(np.unique(grid)) == {*(20 + 30 * i for i in range(number)), 255} - (
        {255} if number == 1 else set()
    )
    for value, (height, width) in zip(range(20, 255, 30), sizes, strict=False):
        rows, cells = np.nonzero(grid[..., 0] == value)
        shown = np.ptp(rows) + 1, np.ptp(cells) + 1
        assert len(rows) == shown[0] * shown[1]  # a rectangle
        assert shown[1] == pytest.approx(shown[0] * width / height, abs=1 + width / height)
    # White are only the gaps: rows of pixels, and columns of a strip between two such rows.
    white = (grid[..., 0] == 255).all(axis=1)
    for strip in np.split(grid[..., 0], np.flatnonzero(np.diff(white)) + 1):
        gap = (strip == 255).all(axis=0)
        assert (gap.all() and len(strip) == 6) or ((strip == 255).any(axis=0) == gap).all()
        assert gap.all() or gap.sum() == 6 * (len(np.unique(strip[:, ~gap])) - 1)
