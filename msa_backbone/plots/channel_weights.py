"""How much each channel's attention weight is on average over a data set."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .figure import new_figure


def plot_channel_weights(
    weights: Mapping[str, tuple[np.ndarray, np.ndarray]], out_file: Path
) -> None:
    """Draw the average weights of the channels at every position, from the highest to the lowest.

    Below them is their histogram.

    Args:
        weights: by position, averages and standard deviations over the images, each (C,).
        out_file: the PNG.
    """
    figure = new_figure(3.6 * len(weights), 6)
    axes = figure.subplots(2, len(weights), squeeze=False)
    for (top, bottom), (name, (mean, deviation)) in zip(axes.T, weights.items(), strict=True):
        order = np.argsort(mean)[::-1]
        ranks = np.arange(1, len(mean) + 1)
        top.plot(ranks, mean[order])
        low, high = mean[order] - deviation[order], mean[order] + deviation[order]
        top.fill_between(ranks, low, high, alpha=0.25, label="± deviation over images")
        top.set(title=f"position {name}, {len(mean)} channels", xlabel="rank", ylim=(0, 1))
        top.locator_params(axis="x", integer=True)
        bottom.hist(mean, bins=np.linspace(0, 1, 26), color="tab:orange")
        bottom.set(xlabel="average weight", xlim=(0, 1))
        for axis in (top, bottom):
            axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("average weight")
    axes[1, 0].set_ylabel("channels")
    axes[0, 0].legend(fontsize=8)
    figure.savefig(out_file, dpi=100)
