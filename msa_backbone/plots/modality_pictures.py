"""What the cameras of one scene saw, as pictures for people."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from ..files.images import read_image
from ..files.modality import Modality, channel_slices, shown_as_they_are
from ..files.modality_files import read_scene
from .figure import colour_map

UNKNOWN_COLOURS = "turbo"


def modality_pictures(stack: np.ndarray, modalities: Sequence[Modality]) -> dict[str, np.ndarray]:
    """A picture of each modality, by its name.

    Colours and 8 bits are shown as they are, see `shown_as_they_are`. Other values are stretched
    from their lowest to their highest. Where some may be unknown, as in depth, colours stand for
    the values and black for the unknown places. Of two, or of more than three channels, the mean is
    shown.

    Args:
        stack: what `read_stack` gives, also after a pipeline, (H, W, channels and masks).
        modalities: of the stack.

    Returns:
        RGB, (H, W, 3) uint8 each.

    Raises:
        ValueError: for another number of channels.
    """
    slices, masks = channel_slices(modalities), [m for m in modalities if m.unknown]
    channels = slices[modalities[-1].name].stop
    if stack.shape[2] != channels + len(masks):
        raise ValueError(
            f"{stack.shape[2]} channels are no picture of {', '.join(slices)}, which have "
            f"{channels} and {len(masks)} masks"
        )
    pictures = {}
    for modality in modalities:
        values = stack[..., slices[modality.name]].astype(np.float32)
        if modality.unknown:
            known = stack[..., channels + masks.index(modality)] >= 0.5
            pictures[modality.name] = _coloured(values.mean(axis=2), known)
            continue
        as_they_are = shown_as_they_are(stack[..., slices[modality.name]], modality)
        values = values[..., ::-1] if modality.channels == 3 else values.mean(axis=2, keepdims=True)
        values = values.clip(0, 255) if as_they_are else 255 * _stretched(values)
        shape = (*values.shape[:2], 3)
        picture = np.broadcast_to(values.round().astype(np.uint8), shape)
        pictures[modality.name] = np.ascontiguousarray(picture)
    return pictures


def read_views(
    path: Path, modalities: Sequence[Modality] = (), absent: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """What people see of an image file, or of a scene of several modalities, by name.

    The arguments and errors are those of `read_scene`; without modalities it is one image.

    Returns:
        RGB, (H, W, 3) uint8 each.
    """
    if not modalities:
        return {"image": read_image(path)}
    return modality_pictures(read_scene(path, modalities, absent), modalities)


def _coloured(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    shown = np.zeros((*values.shape, 3), np.uint8)
    if known.any():
        shown[known] = 255 * colour_map(UNKNOWN_COLOURS)(_stretched(values[known]))[:, :3]
    return shown


def _stretched(values: np.ndarray) -> np.ndarray:
    """Values in 0..1."""
    low, high = float(values.min()), float(values.max())
    return (values - low) / max(high - low, 1e-12)
