"""Normalise the stacked pictures of several modalities, each by itself.

mmengine's preprocessors are made for images of one or three channels: they refuse four means, and
with `bgr_to_rgb` they cut four channels to three without a word. So the modalities are normalised
here; batches, padding, boxes and masks are left to the toolbox's own preprocessor.
"""

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.model import BaseDataPreprocessor
from mmengine.registry import MODELS
from torch import Tensor

from ..files.modality import modalities_of
from .modality_dropout import ABSENT, BLACK, PRESENT, ModalityDropout

MOSTLY_KNOWN = 0.5
"""The share of known places from which on a mixed place counts as known."""

_NO_MASK = 1.001


class MultiModalPreprocessor(BaseDataPreprocessor):
    """What `LoadModalities` loaded, (C, H, W) each, as the input of `MultiModalMSAVGG`.

    Each channel c of a modality becomes (value - mean_c) / std_c, in RGB where the modality says
    so; the order of the modalities stays.

    Unknown places of a modality become 0, those beyond the picture's edge too. Resizing has mixed
    the zeros of unknown places into the values v beside them, and as many into the mask k, which
    was 1 where known. So v / k is the mean of the known values alone. A place counts as known if
    k >= 0.5. (A fill value, which k cannot reach by resizing, is no mask: such places are unknown.)

    An absent modality is 0 everywhere, by which the backbone knows it. A black one has had the
    value 0 everywhere before it was normalised; with unknown places that is the same as absent.

    Args:
        modalities: the list that `LoadModalities` has.
        then: config of the toolbox's preprocessor without mean, std and order of colours, e.g.
            `dict(type='DetDataPreprocessor', pad_size_divisor=32)`.
        dropout: what training takes away, `dict(absent=..., black=...)` as in `ModalityDropout`.
            It stands for `modality_dropout` of the backbone, and serves any backbone.
        absent: names of modalities that are absent, in training and after it.
        black: names of modalities whose pictures are black, likewise.
        only: names of modalities that a network gets, the others' channels being left out: to
            train what one camera alone gives, on the same data. None stands for all.

    Raises:
        ValueError: for values that do not fit; when called, for another number of channels.
    """

    def __init__(
        self,
        modalities: Sequence[dict],
        then: dict,
        dropout: dict | None = None,
        absent: Sequence[str] = (),
        black: Sequence[str] = (),
        only: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.modalities = modalities_of(modalities)
        self.then = MODELS.build(then)
        self.dropout = ModalityDropout(len(self.modalities), **dropout) if dropout else None
        self._fixed = self._fixed_states(tuple(absent), tuple(black))
        self.only = self._known_names(only) if only else [m.name for m in self.modalities]
        if only and dropout:
            raise ValueError("dropout serves a network that gets all modalities; remove it or only")
        for number, modality in enumerate(self.modalities):
            for name in ("mean", "std"):
                value = torch.tensor(getattr(modality, name), dtype=torch.float32)
                self.register_buffer(f"{name}_{number}", value.reshape(-1, 1, 1), persistent=False)
        self._check()

    def forward(self, data: dict, training: bool = False) -> dict:
        """A batch as the data loader gives it -> what the toolbox's preprocessor makes of it.

        Args:
            data: `inputs`, N of (C, H, W) or (N, C, H, W), with the channels of `read_stack`;
                `data_samples`.
            training: whether to draw dropout, and what the toolbox does in training.
        """
        data = self.cast_data(data)
        inputs = list(data["inputs"])
        states = self._fixed.expand(len(inputs), -1)
        if training and self.dropout:
            states = self.dropout.draw(states)
        normalised = [self._normalised(x, s) for x, s in zip(inputs, states.tolist(), strict=True)]
        self.then._device = self.device  # set on this module alone where no model holds it
        return self.then({**data, "inputs": normalised}, training)

    def _normalised(self, x: Tensor, states: Sequence[int]) -> Tensor:
        """(C and masks, H, W) -> (C, H, W) float32."""
        widths = [modality.channels for modality in self.modalities]
        masks = sum(modality.unknown for modality in self.modalities)
        if len(x) != sum(widths) + masks:
            raise ValueError(
                f"an input of {len(x)} channels does not fit the modalities: {sum(widths)} and "
                f"{masks} masks are needed. Load by LoadModalities with the same list, and put "
                "photometric transforms into OnModality: some return three channels of more"
            )
        *pictures, known = x.float().split([*widths, masks])
        known = iter(known.split(1))
        parts = []
        for number, (modality, values) in enumerate(zip(self.modalities, pictures, strict=True)):
            k = next(known) if modality.unknown else None
            if modality.name not in self.only:
                continue
            if states[number] == ABSENT or (states[number] == BLACK and modality.unknown):
                parts.append(torch.zeros_like(values))
                continue
            if states[number] == BLACK:
                values = torch.zeros_like(values)
            if modality.bgr_to_rgb:
                values = values.flip(0)
            mean, std = getattr(self, f"mean_{number}"), getattr(self, f"std_{number}")
            if k is None:
                parts.append((values - mean) / std)
            else:
                is_known = (k >= MOSTLY_KNOWN) & (k <= _NO_MASK)
                parts.append(torch.where(is_known, (values / k - mean) / std, 0))
        return torch.cat(parts)

    def _fixed_states(self, absent: tuple[str, ...], black: tuple[str, ...]) -> Tensor:
        """What stays so for all samples, (M,)."""
        names = [modality.name for modality in self.modalities]
        self._known_names((*absent, *black))
        if both := set(absent) & set(black):
            raise ValueError(f"modality '{min(both)}' is both absent and black: choose one")
        if set(absent) == set(names):
            raise ValueError("all modalities are absent: leave one of them")
        return torch.tensor(
            [ABSENT if n in absent else BLACK if n in black else PRESENT for n in names]
        )

    @property
    def leaves_out(self) -> bool:
        """Whether something of the pictures does not reach the network, whatever they show."""
        return bool((self._fixed != PRESENT).any()) or len(self.only) < len(self.modalities)

    def _known_names(self, names: Sequence[str]) -> Sequence[str]:
        """The names, if there is such a modality for each."""
        known = [modality.name for modality in self.modalities]
        if wrong := [name for name in names if name not in known]:
            raise ValueError(f"modality '{wrong[0]}' is unknown: choose from {', '.join(known)}")
        return names

    def _check(self) -> None:
        """Refuse what would go wrong without a word."""
        if getattr(self.then, "_enable_normalize", False) or getattr(
            self.then, "_channel_conversion", False
        ):
            raise ValueError(
                "then: mean, std, bgr_to_rgb and rgb_to_bgr belong to the modalities; remove them"
            )
        if any(getattr(self.then, name, 0) for name in ("pad_value", "pad_val")):
            raise ValueError(
                "then: padding other than 0 would be taken for the picture of an absent modality; "
                "remove pad_value and pad_val"
            )
        if any(m.unknown for m in self.modalities) and getattr(self.then, "batch_augments", None):
            raise ValueError(
                "then: batch_augments mix unknown places into known ones; remove them, or unknown"
            )
        for number, modality in enumerate(self.modalities):
            drawn = self.dropout is not None and self.dropout.black[number] > 0
            blackened = drawn or self._fixed[number] == BLACK
            if blackened and not modality.unknown and not np.any(modality.mean):
                raise ValueError(
                    f"{modality.name}: with mean 0 a black picture is zeros, as an absent one; "
                    "give its mean, or draw no black"
                )
