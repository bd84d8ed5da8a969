"""A camera of several, and where its picture lies in a stack of all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Modality:
    """A camera: where its files are, and what their values mean.

    Attributes:
        name: e.g. 'infrared'.
        channels: of its pictures.
        folder: the folders in the path by which its files differ from other modalities', e.g.
            'infrared', 'thermal/left', or an absolute path; None stands for the name.
        suffix: what follows the stem that all modalities share, e.g. '.png' or '_ir.tif'; None for
            whichever of `modality_files.MODALITY_SUFFIXES` there is.
        unknown: whether 0, NaN or infinity stand for places that were not measured, as in depth.
        mean, std: of each channel, or one for all, in the files' units.
        bgr_to_rgb: whether the network takes RGB. Colours are read as BGR.
    """

    name: str
    channels: int
    folder: str | None = None
    suffix: str | None = None
    unknown: bool = False
    mean: float | Sequence[float] = 0.0
    std: float | Sequence[float] = 1.0
    bgr_to_rgb: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.channels, int) or self.channels < 1:
            raise ValueError(f"{self.name}: channels={self.channels!r} is no positive integer")
        for name in ("mean", "std"):
            value = getattr(self, name)
            if np.size(value) not in (1, self.channels):
                raise ValueError(
                    f"{self.name}: {name}={value} does not fit {self.channels} channels"
                )
        if np.min(self.std) <= 0:
            raise ValueError(f"{self.name}: std={self.std} has to be positive")
        if self.bgr_to_rgb and self.channels != 3:
            raise ValueError(
                f"{self.name}: bgr_to_rgb is for colours, but it has {self.channels} channels"
            )


def modalities_of(configs: Sequence[dict]) -> tuple[Modality, ...]:
    """Modalities as a config describes them, the reference first.

    Raises:
        ValueError: for values that do not fit, no modality, or two of one name.
    """
    modalities = tuple(Modality(**config) for config in configs)
    names = [modality.name for modality in modalities]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"modalities {names} do not fit: name one or more, each once")
    return modalities


def channel_slices(modalities: Sequence[Modality]) -> dict[str, slice]:
    """The channels of each modality in a stack of all; masks of what is known come behind them."""
    slices, start = {}, 0
    for modality in modalities:
        slices[modality.name] = slice(start, start + modality.channels)
        start += modality.channels
    return slices


def mean_of_eight_bits(modality: Modality) -> bool:
    """Whether a modality's `mean` lies from 0 to 255."""
    return bool(np.min(modality.mean) >= 0 and np.max(modality.mean) <= 255)


def has_eight_bits(values: np.ndarray, modality: Modality) -> bool:
    """Whether a modality's values, as they were loaded, can be those of a file of 8 bits.

    Beside a deeper camera they are float32 as well; then they are whole numbers from 0 to 255, and
    the `mean` lies among these.
    """
    if values.dtype == np.uint8:
        return True
    return mean_of_eight_bits(modality) and np.array_equal(values, values.round().clip(0, 255))


def shown_as_they_are(values: np.ndarray, modality: Modality) -> bool:
    """Whether 0 is black and 255 is white in a modality's picture for people.

    That is so for 8 bits, and for colours whose `mean` is that of 8 bits: photometric changes make
    fractions of them, and values beyond 255.
    """
    colours = modality.channels == 3 and np.min(modality.mean) > 1 and mean_of_eight_bits(modality)
    return bool(colours) or has_eight_bits(values, modality)


def eight_bit_modalities(stack: np.ndarray, modalities: Sequence[Modality]) -> tuple[str, ...]:
    """The names of the modalities that `has_eight_bits` in a stack, as it was loaded."""
    slices = channel_slices(modalities)
    return tuple(m.name for m in modalities if has_eight_bits(stack[..., slices[m.name]], m))


def split_stack(stack: np.ndarray, modalities: Sequence[Modality]) -> dict[str, np.ndarray]:
    """The picture of each modality, by name, (H, W, C) each, colours as RGB.

    Args:
        stack: from `read_stack`. Unknown places are 0 in it; the masks behind are left out.
    """
    pictures = {name: stack[..., part] for name, part in channel_slices(modalities).items()}
    return {n: p[..., ::-1] if p.shape[-1] == 3 else p for n, p in pictures.items()}
