"""timm's attention modules in the place of ours, by the names of its factory."""

import importlib
import inspect
from difflib import get_close_matches

from torch import Tensor, nn

from ..packages import require_packages

TIMM_NAMES = (
    *("se", "ese", "eca", "ecam", "ceca", "gc", "gca", "cbam", "lcbam"),
    *("coord", "scoord", "ela", "strip", "nl"),
)
"""timm's modules that keep the shape of maps of any size."""


class TimmAttention(nn.Module):
    """An attention module of timm (https://github.com/huggingface/pytorch-image-models).

    Args:
        in_channels: C, channels of the input and of the output.
        name: as in timm's `create_attn`: 'se' (Squeeze-and-Excitation, arXiv 1709.01507), 'eca'
            (1910.03151), 'cbam' (1807.06521), 'coord' (coordinate attention, 2103.02907), 'gc'
            (global context, 1904.11492) and the others of `TIMM_NAMES`.
        options: keyword arguments of timm's class, such as `dict(rd_ratio=1 / 16)`.

    Raises:
        ValueError: for an unknown name or option, or without timm.
    """

    def __init__(self, in_channels: int, name: str, options: dict | None = None) -> None:
        super().__init__()
        if name not in TIMM_NAMES:
            near = get_close_matches(str(name), TIMM_NAMES, n=1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise ValueError(
                f"TimmAttention name '{name}' is unknown: {hint}choose one of "
                f"{', '.join(TIMM_NAMES)}"
            )
        require_packages("TimmAttention", ["timm"])
        layers = importlib.import_module("timm.layers")
        cls, options = layers.get_attn(name), options or {}
        known = [option for option in inspect.signature(cls).parameters if option != "channels"]
        for option in options:
            if option not in known:
                raise ValueError(
                    f"TimmAttention option '{option}' does not belong to '{name}': "
                    f"options: {', '.join(known)}"
                )
        self.attention = cls(in_channels, **options)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return self.attention(x)
