"""Which modalities training takes away from each sample.

A camera fails in two ways: it sends nothing, which the network is told, or it sends a black
picture, of which it is told nothing. A network that has never seen either falls below what the
other camera alone gives. So in training both are drawn at random (ModDrop,
https://arxiv.org/abs/1501.00102, section 3.4, draws the first).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..backbones.modalities import check_probabilities, per_modality

PRESENT, ABSENT, BLACK = range(3)


class ModalityDropout:
    """Draws what becomes of each modality of each sample.

    A sample that would lose all that it has keeps all of it.

    Args:
        modalities: M.
        absent: probability that a modality is absent, for all or one for each.
        black: probability that its picture is black, likewise.

    Raises:
        ValueError: for values that are no probabilities, or sum to 1 or more.
    """

    def __init__(
        self,
        modalities: int,
        absent: float | Sequence[float] = 0.0,
        black: float | Sequence[float] = 0.0,
    ) -> None:
        absent = per_modality("absent", absent, modalities)
        self.black = black = per_modality("black", black, modalities)
        check_probabilities("absent", absent)
        check_probabilities("black", black)
        sums = [a + b for a, b in zip(absent, black, strict=True)]
        check_probabilities("absent + black", sums)
        self.absent, self.lost = torch.tensor(absent), torch.tensor(sums)

    def draw(self, states: Tensor) -> Tensor:
        """PRESENT, ABSENT or BLACK for each modality of each sample.

        Args:
            states: the same before the draw, (N, M); what is lost already stays so.

        Returns:
            (N, M) int64.
        """
        chance = torch.rand(states.shape)
        drawn = torch.where(
            chance < self.absent, ABSENT, torch.where(chance < self.lost, BLACK, PRESENT)
        )
        drawn = torch.where(states == PRESENT, drawn, states)
        keeps_one = (drawn == PRESENT).any(dim=1, keepdim=True)
        return torch.where(keeps_one, drawn, states)
