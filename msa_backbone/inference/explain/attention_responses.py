"""What attention computes on an image: responses per scale, gates per place and per channel."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ...layers import MultiModalAttention, MultiScaleAttention
from ...layers.fusion.modalities import presence_flags
from .forward_hooks import forward_hooks

SCALES = ("1x1", "3x3", "5x5")


@dataclass
class ModalityResponses:
    """What one modality adds in a fusion by attention.

    Attributes:
        added: (N, H, W), the norm over channels of the modality's term.
        spatial: (N, 1, H, W), its spatial gate in 0..1; None without one.
        channel: (N, C), its channel gate in 0..1; None without one.
    """

    added: Tensor
    spatial: Tensor | None
    channel: Tensor | None


@dataclass
class Responses:
    """What one attention module does to its input x, (N, C, H, W), to give its output y.

    Of a fusion, x is the reference's map.

    Attributes:
        change: (N, H, W), the norm over channels of y - x, which is what the module adds.
        scales: by receptive field, (N, H, W), the mean over channels of the branch's absolute
            response; empty for modules without branches.
        spatial: (N, 1, H, W), the spatial gate in 0..1; None without one.
        channel: (N, C), the channel gate in 0..1; None without one.
        modalities: of a fusion of several modalities by attention, what each does, the reference
            first; then there are no scales and gates of the whole.
    """

    change: Tensor
    scales: dict[str, Tensor] = field(default_factory=dict)
    spatial: Tensor | None = None
    channel: Tensor | None = None
    modalities: list[ModalityResponses] = field(default_factory=list)


@torch.no_grad()
def attention_responses(backbone: nn.Module, x: Tensor) -> dict[str, Responses]:
    """What every attention module of a MSAVGG, or fusion of several modalities, computes for x.

    Args:
        x: the backbone's input, (N, C, H, W).

    Returns:
        By position.

    Raises:
        ValueError: for a backbone without attention.
    """
    if not len(getattr(backbone, "attentions", ())):
        raise ValueError("the backbone has no attention to look at")
    responses: dict[str, Responses] = {}

    def look(name: str, module: nn.Module, inputs: tuple, options: dict, y: Tensor) -> None:
        features = inputs[0]
        seen = responses[name] = Responses((y - features).float().norm(dim=1))
        if isinstance(module, MultiModalAttention):
            seen.modalities = _by_modality(module, inputs, options.get("present"))
        elif isinstance(module, MultiScaleAttention):
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


def _by_modality(
    fusion: MultiModalAttention, maps: tuple[Tensor, ...], present: Tensor | None
) -> list[ModalityResponses]:
    gates = fusion.modality_gates(*maps, present=present)
    flags = presence_flags(present, maps[0], len(maps))
    terms = [fusion, *fusion.others.values()]
    responses = []
    for term, x, (ca, sa), flag in zip(terms, maps, gates, flags, strict=True):
        added = term.add_to(torch.zeros_like(maps[0]), x, ca, sa, flag)
        responses.append(
            ModalityResponses(
                added.float().norm(dim=1),
                None if sa is None else sa.float(),
                None if ca is None else ca.float().flatten(1),
            )
        )
    return responses
