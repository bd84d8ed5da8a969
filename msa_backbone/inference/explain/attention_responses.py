"""What attention computes on an image: responses per scale, gates per place and per channel."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ...layers import MultiScaleAttention
from .forward_hooks import forward_hooks

SCALES = ("1x1", "3x3", "5x5")


@dataclass
class Responses:
    """What one attention module does to its input x, (N, C, H, W), to give its output y.

    Attributes:
        change: (N, H, W), the norm over channels of y - x, which is what the module adds.
        scales: by receptive field, (N, H, W), the mean over channels of the branch's absolute
            response; empty for modules without branches.
        spatial: (N, 1, H, W), the spatial gate in 0..1; None without one.
        channel: (N, C), the channel gate in 0..1; None without one.
    """

    change: Tensor
    scales: dict[str, Tensor] = field(default_factory=dict)
    spatial: Tensor | None = None
    channel: Tensor | None = None


@torch.no_grad()
def attention_responses(backbone: nn.Module, x: Tensor) -> dict[str, Responses]:
    """What every attention module of a MSAVGG computes for x, (N, C, H, W), by position.

    Raises:
        ValueError: for a backbone without attention.
    """
    if not len(getattr(backbone, "attentions", ())):
        raise ValueError("the backbone has no attention to look at")
    responses: dict[str, Responses] = {}

    def look(name: str, module: nn.Module, inputs: tuple[Tensor], y: Tensor) -> None:
        (features,) = inputs
        seen = responses[name] = Responses((y - features).float().norm(dim=1))
        if not isinstance(module, MultiScaleAttention):
            return
        branches = module.scales(features).chunk(len(SCALES), dim=1)
        means = [branch.float().abs().mean(dim=1) for branch in branches]
        seen.scales = dict(zip(SCALES, means, strict=True))
        if module.spatial_attention is not None:
            seen.spatial = module.spatial_weights(features).float()
        if module.channel_attention is not None:
            seen.channel = module.channel_weights(features).float().flatten(1)

    with forward_hooks(backbone.attentions, look):
        backbone(x)
    return responses
