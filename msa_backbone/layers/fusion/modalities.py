"""What all fusions share: checks of their maps, and flags of presence.

A camera that is not there must not be taken for one that sees black. So every fusion gets a flag
for each modality: 1 where it is present, 0 where it is absent. An absent modality adds nothing, and
no gate sees it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def check_channels(in_channels: Sequence[int]) -> tuple[int, ...]:
    """The channels of the modalities as a tuple.

    Raises:
        ValueError: if they are no sequence of positive integers.
    """
    if isinstance(in_channels, Sequence) and not isinstance(in_channels, str):
        channels = tuple(in_channels)
        if channels and all(isinstance(c, int) and c > 0 for c in channels):
            return channels
    raise ValueError(
        f"in_channels={in_channels!r} does not fit: give the channels of each modality, e.g. (3, 1)"
    )


def check_maps(maps: Sequence[Tensor], in_channels: tuple[int, ...]) -> None:
    """Refuse maps that are not (N, C_m, H, W) with one N, H and W.

    Raises:
        ValueError: naming the shapes.
    """
    samples, _, *size = maps[0].shape
    if [tuple(x.shape) for x in maps] != [(samples, c, *size) for c in in_channels]:
        raise ValueError(
            f"maps of shapes {', '.join(str(tuple(x.shape)) for x in maps)} do not fit: "
            f"{len(in_channels)} of one size with {in_channels} channels are fused"
        )


def presence_flags(present: Tensor | None, x: Tensor, modalities: int) -> list[Tensor | None]:
    """A factor for each modality, 1 where it is present and 0 where it is absent.

    Args:
        present: flags, (N, M), or (M,) for the whole batch; None stands for ones.
        x: the reference's map, (N, C, H, W).
        modalities: M.

    Returns:
        M tensors that multiply a map, (N, 1, 1, 1) or (1, 1, 1, 1) in the dtype of x; M times None
        without flags.

    Raises:
        ValueError: for flags of another shape.
    """
    if present is None:
        return [None] * modalities
    # len(x), or comparing N with M, would fix N for torch.export: x.shape[0], dimensions first.
    fitting = (modalities,) if present.dim() == 1 else (x.shape[0], modalities)
    if present.shape != fitting:
        raise ValueError(
            f"flags of presence of shape {tuple(present.shape)} do not fit {len(x)} samples: "
            f"give ({len(x)}, {modalities}), or ({modalities},) for the whole batch"
        )
    flags = present.to(x.device, x.dtype).reshape(-1, modalities, 1, 1, 1)
    return list(flags.unbind(dim=1))


def if_present(x: Tensor, flag: Tensor | None) -> Tensor:
    """x where its modality is present, zeros where it is absent."""
    return x if flag is None else x * flag


def gather(maps: Sequence[Tensor], flags: Sequence[Tensor | None]) -> Tensor:
    """Maps side by side, zeros for those of absent modalities."""
    return torch.cat([if_present(x, flag) for x, flag in zip(maps, flags, strict=True)], dim=1)
