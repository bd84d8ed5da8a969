"""Pictures on a grid."""

import numpy as np

from msa_backbone.files.images import read_image
from msa_backbone.plots.grid import save_grid


def test_grid_places_every_picture(tmp_path):
    pictures = [np.full((10, 20, 3), value, np.uint8) for value in (10, 90, 170)]
    save_grid(pictures, tmp_path / "grid.png", columns=2, gap=4)
    grid = read_image(tmp_path / "grid.png")
    assert grid.shape == (24, 44, 3)
    assert (grid[:10, :20] == 10).all()
    assert (grid[:10, 24:] == 90).all()
    assert (grid[14:, :20] == 170).all()
    assert (grid[14:, 24:] == 255).all()
