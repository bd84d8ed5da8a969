"""The modalities in one stacked input: where each lies, which are there, which training drops.

A camera can fail. A network that has never seen that happen falls below what one camera alone
gives. So in training modalities are left out at random (ModDrop,
https://arxiv.org/abs/1501.00102, section 3.4).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..vgg_layout import as_tuple


def per_modality(name: str, values: object, modalities: int) -> tuple:
    """An option's value for each modality; a single one stands for all.

    Raises:
        ValueError: for another number of values.
    """
    if not isinstance(values, Sequence):
        return (values,) * modalities
    if len(values) != modalities:
        raise ValueError(
            f"{name}={tuple(values)} does not fit: one value, or one for each of "
            f"{modalities} modalities"
        )
    return tuple(values)


def check_probabilities(name: str, values: Sequence[float]) -> None:
    """Refuse what is no probability of leaving something out.

    Raises:
        ValueError: naming the value.
    """
    for value in values:
        if not 0 <= value < 1:
            raise ValueError(f"{name}={value} is no probability of leaving out: choose 0 <= p < 1")


def check_sensors(sensors: Sequence[int] | None, modalities: int) -> tuple[int, ...]:
    """The modalities in use; None stands for all.

    Raises:
        ValueError: if they are not some of 0 to M - 1, each once.
    """
    chosen = as_tuple("sensors", range(modalities) if sensors is None else sensors)
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(modalities)):
        raise ValueError(
            f"sensors={chosen} does not fit: choose from the modalities 0 to {modalities - 1}, "
            "each once, or None for all"
        )
    return chosen


def split_channels(x: Tensor, in_channels: tuple[int, ...]) -> tuple[Tensor, ...]:
    """(N, sum of C_m, H, W) -> the pictures of the modalities, (N, C_m, H, W) each.

    Raises:
        ValueError: for another number of channels.
    """
    if x.shape[1] != sum(in_channels):
        raise ValueError(
            f"an input with {x.shape[1]} channels does not fit in_channels={in_channels}: stack "
            f"the modalities in this order, {sum(in_channels)} channels in all"
        )
    return x.split(in_channels, dim=1)


def not_all_zero(pictures: Sequence[Tensor]) -> Tensor:
    """Which pictures have a value that is not zero: flags, (N, M)."""
    return torch.stack([x.flatten(1).ne(0).any(dim=1) for x in pictures], dim=1)


def leave_out(present: Tensor, probabilities: Sequence[float]) -> Tensor:
    """Leave out each modality of each sample with its probability.

    A sample that would lose all that it has keeps all of it.

    Args:
        present: flags, (N, M).
        probabilities: M of them.

    Returns:
        Flags, (N, M).
    """
    limits = torch.tensor(probabilities, device=present.device)
    left = present & (torch.rand(present.shape, device=present.device) >= limits)
    return torch.where(left.any(dim=1, keepdim=True), left, present)


def which_are_present(
    pictures: Sequence[Tensor],
    given: Tensor | None,
    sensors: Sequence[int],
    probabilities: Sequence[float] = (),
) -> Tensor:
    """Flags, (N, M), of the modalities that are given, in use and not left out.

    Args:
        pictures: (N, C_m, H, W) each.
        given: flags, (N, M), or (M,) for the whole batch; None for those that are not all zero.
        sensors: the modalities in use, counted from 0.
        probabilities: of leaving out each modality; empty for none.

    Raises:
        ValueError: for flags of another shape.
    """
    shape = pictures[0].shape[0], len(pictures)
    if given is None:
        present = not_all_zero(pictures)
    elif given.shape == (shape if given.dim() == 2 else shape[1:]):
        present = given.to(pictures[0].device, bool).expand(shape)
    else:
        raise ValueError(
            f"flags of presence of shape {tuple(given.shape)} do not fit: give {shape}, or "
            f"({shape[1]},) for the whole batch"
        )
    if len(sensors) < shape[1]:
        used = [modality in sensors for modality in range(shape[1])]
        present = present & present.new_tensor(used)
    return leave_out(present, probabilities) if any(probabilities) else present
