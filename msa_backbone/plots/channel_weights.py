"""Channel gates over a data set, ranked."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt


def plot_channel_weights(
    weights: Mapping[str, tuple[np.ndarray, np.ndarray]], out_file: Path
) -> None:
    """Draw for every position the average gate of each channel, ranked, and its histogram.

    Args:
        weights: by position, (C,) averages and standard deviations over the images.
        out_file: the PNG.
    """
    figure, axes = plt.subplots(
        2, len(weights), figsize=(3.6 * len(weights), 6), layout="constrained", squeeze=False
    )
    for (top, bottom), (name, (mean, deviation)) in zip(axes.T, weights.items(), strict=True):
        order = np.argsort(mean)[::-1]
        ranks = np.arange(1, len(mean) + 1)
        top.plot(ranks, mean[order])
        low, high = mean[order] - deviation[order], mean[order] + deviation[order]
        top.fill_between(ranks, low, high, alpha=0.25, label="± deviation over images")
        top.set(title=f"position {name}, {len(mean)} channels", xlabel="rank", ylim=(0, 1))
        bottom.hist(mean, bins=np.linspace(0, 1, 26), color="tab:orange")
        bottom.set(xlabel="average weight", xlim=(0, 1))
        for axis in (top, bottom):
            axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("average weight")
    axes[1, 0].set_ylabel("channels")
    axes[0, 0].legend(fontsize=8)
    figure.savefig(out_file, dpi=100)
    plt.close(figure)
