"""Transforms that take three channels for granted, on more of them."""

import copy
import random

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS


class ThreeChannelsAtATime(BaseTransform):
    """Apply a transform to each three channels of the picture, with the same random numbers.

    Some transforms work with three channels only: Mosaic, RandomMosaic, MixUp, Expand and CutOut
    fail with more, a fill value of Rotate or RandomAffine reaches the first three, and Pad fails
    with more than four. In groups of three channels all of them work; the last group is filled up.

    Boxes, masks and everything else come from the last group. They are the same in all, because
    Python's and numpy's random numbers are set back before each.

    Args:
        transform: its config.

    Raises:
        ValueError: for a transform that keeps pictures of earlier calls, as CachedMosaic does: it
            would mix up the groups. When used, for one that cuts values down to 8 bits where that
            loses some: MixUp would make 16 of 10,000 mm of depth.
    """

    def __init__(self, transform: dict) -> None:
        self.inner = TRANSFORMS.build(transform)
        if hasattr(self.inner, "results_cache"):
            raise ValueError(
                f"{transform['type']} keeps pictures of earlier calls and would mix up channels: "
                "take the form without 'Cached'"
            )
        for name in ("get_indexes", "get_indices"):  # by which mmdet and mmseg know mosaics
            if hasattr(self.inner, name):
                setattr(self, name, getattr(self.inner, name))

    def transform(self, results: dict) -> dict | None:
        channels = results["img"].shape[2]
        states = random.getstate(), np.random.get_state()
        pictures, changed = [], None
        for start in range(0, channels, 3):
            random.setstate(states[0])
            np.random.set_state(states[1])
            changed = self.inner(_with_three_channels(results, start))
            if changed is None:
                return None
            if changed["img"].dtype == np.uint8 and _needs_more_than_bytes(results):
                raise ValueError(
                    f"{type(self.inner).__name__} cuts values down to 8 bits: leave it out where a "
                    "modality has larger ones or unknown places"
                )
            pictures.append(changed["img"])
        changed["img"] = np.concatenate(pictures, axis=2)[..., :channels]
        changed.pop("mix_results", None)  # used up, and three channels only
        return changed

    def __repr__(self) -> str:
        return f"{type(self).__name__}(transform={self.inner})"


def _needs_more_than_bytes(results: dict) -> bool:
    """Whether a modality has more than 8 bits, or channels of fractions tell what is known."""
    img, loaded = results["img"], results.get("modalities", {})
    pictures = max((channels.stop for channels in loaded.values()), default=img.shape[2])
    if img.dtype == np.uint8 or pictures < img.shape[2]:
        return img.dtype != np.uint8
    return bool(loaded.keys() - results.get("eight_bits", ()) if loaded else img.max() > 255)


def _with_three_channels(results: dict, start: int) -> dict:
    """A copy of the results with three of the channels, also in pictures to be mixed in."""
    copied = {
        key: copy.deepcopy(value)
        for key, value in results.items()
        if key not in ("img", "mix_results")
    }
    picture = results["img"][..., start : start + 3]
    missing = 3 - picture.shape[2]
    copied["img"] = np.pad(picture, ((0, 0), (0, 0), (0, missing)))
    if "mix_results" in results:
        copied["mix_results"] = [_with_three_channels(r, start) for r in results["mix_results"]]
    return copied
