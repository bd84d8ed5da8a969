"""What attention computes on an image: responses per scale, gates per place and per channel."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..layers import MultiScaleAttention

SCALES = ("1x1", "3x3", "5x5")


@dataclass
class Responses:
    """Of one attention module, for x of shape (N, C, H, W).

    Attributes:
        change: (N, H, W), the norm over channels of y - x: what the module adds.
        scales: (N, H, W) for each receptive field, the mean over channels of the absolute response;
            empty for modules without scales.
        spatial: (N, 1, H, W), the spatial gate in 0..1; None without one.
        channel: (N, C), the channel gate in 0..1; None without one.
    """

    change: Tensor
    scales: dict[str, Tensor] = field(default_factory=dict)
    spatial: Tensor | None = None
    channel: Tensor | None = None


@torch.no_grad()
def attention_responses(backbone: nn.Module, x: Tensor) -> dict[str, Responses]:
    """What every attention module of a backbone computes.

    Args:
        backbone: has `attentions`, as MSAVGG.
        x: its input, (N, C, H, W).

    Returns:
        By position.

    Raises:
        ValueError: for a backbone without attention.
    """
    if not len(getattr(backbone, "attentions", ())):
        raise ValueError("the backbone has no attention to look at")
    seen: dict[str, Responses] = {}

    def look(name: str):
        def hook(module: nn.Module, inputs: tuple[Tensor], y: Tensor) -> None:
            features = inputs[0]
            seen[name] = Responses((y - features).float().norm(dim=1))
            if not isinstance(module, MultiScaleAttention):
                return
            scales = module._scales(features).chunk(len(SCALES), dim=1)
            means = [scale.float().abs().mean(dim=1) for scale in scales]
            seen[name].scales = dict(zip(SCALES, means, strict=True))
            if module.spatial_attention is not None:
                seen[name].spatial = module.spatial_weights(features).float()
            if module.channel_attention is not None:
                seen[name].channel = module.channel_weights(features).float().flatten(1)

        return hook

    handles = [m.register_forward_hook(look(n)) for n, m in backbone.attentions.items()]
    try:
        backbone(x)
    finally:
        for handle in handles:
            handle.remove()
    return seen
