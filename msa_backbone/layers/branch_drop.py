"""Leaving parts of a residual branch out in training."""

from torch import nn


def build_branch_drop(dropout: float, drop_path: float) -> nn.Module | None:
    """A module that zeroes parts of a residual branch in training, against overfitting.

    Args:
        dropout: probability of a channel (https://arxiv.org/abs/1411.4280, section 3.2).
        drop_path: probability of the whole branch of a sample (stochastic depth,
            https://arxiv.org/abs/1603.09382, section 3).

    Returns:
        The module, for (N, C, H, W), which scales up what stays; None where both are 0.

    Raises:
        ValueError: for a probability outside [0, 1).
    """
    for name, value in (("dropout", dropout), ("drop_path", drop_path)):
        if not 0 <= value < 1:
            raise ValueError(f"{name}={value} is no probability of leaving out: choose 0 <= p < 1")
    drops = []
    if dropout:
        drops.append(nn.Dropout2d(dropout))
    if drop_path:
        from torchvision.ops import StochasticDepth  # takes a second, which few need

        drops.append(StochasticDepth(drop_path, mode="row"))
    return nn.Sequential(*drops) if drops else None
