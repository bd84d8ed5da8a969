"""Exchange in both directions: the other streams receive from the reference's, too.

A fusion brings what all modalities show into the reference's stream; the other streams run on as
they are, each by itself. In CMX (https://arxiv.org/abs/2203.04838, figure 2) both streams get what
the other one has: an infrared stream that knows the colours may look closer where it matters.
Deviations from CMX: the module is that of the fusion instead of its rectification, and every other
stream exchanges with the reference alone.
"""

from collections.abc import Mapping, Sequence

from mmengine.model import BaseModule, ModuleDict, ModuleList
from torch import Tensor

from ...layers.attention_builder import build_attention
from ...layers.fusion.modalities import check_channels


class Exchange(BaseModule):
    """y_m = fusion_m(x_m, x_0) for each modality m > 0: the fusion with the roles changed.

    Where the reference x_0 is absent, nothing of it comes through. The stream of an absent modality
    receives as the others do, but no fusion takes anything from it.

    Args:
        fusion: config of the fusion, the same for each stream; each has weights of its own. Its
            `layer_scale_init_value` is the reference's alone: two streams of the same weights
            that both started from the sum would stay one.
        in_channels: C_0 to C_{M-1}, channels of each modality's map, the reference's first.
        zero_init: as in the fusion: with its branches at zero y_m = x_m.
        seeds: as in `build_attention`.
    """

    def __init__(
        self,
        fusion: dict,
        in_channels: Sequence[int],
        zero_init: bool = True,
        seeds: set[tuple] | None = None,
    ) -> None:
        super().__init__()
        seeds = set() if seeds is None else seeds
        reference, *others = check_channels(in_channels)
        fusion = {k: v for k, v in fusion.items() if k != "layer_scale_init_value"}
        self.fusions = ModuleList(
            build_attention(fusion, (width, reference), zero_init, seeds) for width in others
        )

    def forward(self, x: Tensor, *others: Tensor, present: Tensor | None = None) -> list[Tensor]:
        """Maps of the other streams, as they go on; the arguments are those of a fusion."""
        maps = []
        for m, (fusion, x_m) in enumerate(zip(self.fusions, others, strict=True), 1):
            flags = None if present is None else present[..., [m, 0]]
            maps.append(fusion(x_m, x, present=flags))
        return maps


def exchanges(fusion: dict, widths: Mapping[str, Sequence[int]], zero_init: bool) -> ModuleDict:
    """An `Exchange` at each position but the last, behind which the other streams end.

    Args:
        widths: `in_channels` by position, in the order of the network.
    """
    positions, seeds = list(widths)[:-1], set()
    return ModuleDict(
        {name: Exchange(fusion, widths[name], zero_init, seeds) for name in positions}
    )
