"""Where a word or a place is, as sines and cosines: attention sees a set, without order."""

import torch
from torch import Tensor

LONGEST_WAVE = 10_000
"""Over 2 pi, in words or places."""


def sine_positions(length: int, channels: int, like: Tensor) -> Tensor:
    """Positions along a line (https://arxiv.org/abs/1706.03762, section 3.5).

    Args:
        length: number of positions.
        channels: an even number.
        like: a tensor of the wanted dtype and device.

    Returns:
        (length, channels): sines, then cosines.
    """
    place = torch.arange(length, device=like.device, dtype=torch.float32)[:, None]
    wave = torch.arange(channels // 2, device=like.device, dtype=torch.float32)
    angle = place * LONGEST_WAVE ** (-2 * wave / channels)
    return torch.cat([angle.sin(), angle.cos()], dim=1).to(like.dtype)


def sine_positions_2d(height: int, width: int, channels: int, like: Tensor) -> Tensor:
    """Positions on a map: rows in one half of the channels, columns in the other.

    As DETR does it (https://arxiv.org/abs/2005.12872, appendix A.4), without its scaling of all
    maps to one size.

    Args:
        channels: a multiple of 4.

    Returns:
        (height * width, channels).
    """
    rows = sine_positions(height, channels // 2, like)[:, None].expand(-1, width, -1)
    columns = sine_positions(width, channels // 2, like)[None].expand(height, -1, -1)
    return torch.cat([rows, columns], dim=2).flatten(0, 1)
