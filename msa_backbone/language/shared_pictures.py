"""Several questions about one picture, one after the other in a batch: look at it once."""

import torch
from torch import Tensor


def shared_pictures(images: Tensor) -> tuple[Tensor, Tensor | None]:
    """Pictures that differ from the one before them, and which of them each of the batch is.

    Args:
        images: (M, C, H, W).

    Returns:
        The pictures, (N, C, H, W), and their indices, (M,); None where no two neighbours are equal.
    """
    new = (images[1:] != images[:-1]).flatten(1).any(1)
    if new.all():
        return images, None
    new = torch.cat([new.new_ones(1), new])
    return images[new], new.cumsum(0) - 1
