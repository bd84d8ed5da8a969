"""Photometric changes of one modality."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform, Compose

from ...errors import DataError


class OnModality(BaseTransform):
    """Apply transforms to the channels of one modality alone.

    Brightness, contrast and hue of the visible camera say nothing about the infrared one. And
    OpenMMLab's photometric transforms expect three channels: of four, mmdet's
    PhotoMetricDistortion silently returns three.

    The transforms get 8 bits, as they do behind LoadImageFromFile: what an earlier step made of
    them, such as a brighter picture in float32, is rounded and cut to 0..255. What they return is
    written back; `img` becomes float32 where they return that.

    Args:
        transforms: configs of the transforms. They may change the pixels, nothing else.
        modality: its name; None for the reference.

    Raises:
        ValueError: when used, for a modality that was not loaded, and for transforms that change
            more than pixels.
        DataError: for a modality whose files hold more than 8 bits.
    """

    def __init__(self, transforms: Sequence[dict], modality: str | None = None) -> None:
        self.transforms = Compose(transforms)
        self.modality = modality

    def transform(self, results: dict) -> dict:
        loaded = results.get("modalities", {})
        name = next(iter(loaded), None) if self.modality is None else self.modality
        if name not in loaded:
            raise ValueError(f"modality '{name}' is none of {list(loaded)}, which were loaded")
        img, channels = results["img"], loaded[name]
        if img.dtype != np.uint8 and name not in results.get("eight_bits", ()):
            raise DataError(
                f"{results.get('img_path')}: {name} has more than 8 bits, and photometric changes "
                "work on 8; save its pictures with 8, or leave OnModality out"
            )
        part = self.transforms({**results, "img": _eight_bits(img[..., channels])})
        changed = [key for key in part if key != "img" and not _same(part[key], results.get(key))]
        if changed or part["img"].shape != img[..., channels].shape:
            raise ValueError(
                f"transforms of one modality may change pixels only, and these change "
                f"{', '.join(changed) or 'the shape'}: geometry moves all modalities alike, put it "
                "outside OnModality"
            )
        sides = img[..., : channels.start], img[..., channels.stop :]
        results["img"] = np.concatenate([sides[0], part["img"], sides[1]], axis=2)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(transforms={self.transforms}, modality={self.modality})"


def _same(new: object, old: object) -> bool:
    """Whether a transform left something as it was; Albu writes equal sizes and boxes anew."""
    if new is old:
        return True
    new, old = (getattr(value, "tensor", getattr(value, "masks", value)) for value in (new, old))
    return type(new) is type(old) and np.array_equal(new, old)


def _eight_bits(picture: np.ndarray) -> np.ndarray:
    """A copy, (H, W, C) uint8."""
    if picture.dtype == np.uint8:
        return picture.copy()
    return np.rint(picture).clip(0, 255).astype(np.uint8)
