"""The plot of channel weights."""

import numpy as np

from msa_backbone.files.images import read_image
from msa_backbone.plots.channel_weights import plot_channel_weights


def test_weights_are_drawn(tmp_path):
    weights = {str(n): (np.linspace(0, 1, 16), np.full(16, 0.1)) for n in (4, 9)}
    plot_channel_weights(weights, tmp_path / "channels.png")
    assert read_image(tmp_path / "channels.png").shape[1] > 600
