"""Load what several cameras saw of one scene."""

from collections.abc import Sequence
from pathlib import Path

from mmcv.transforms import BaseTransform

from ...files.modality import channel_slices, eight_bit_modalities, modalities_of
from ...files.modality_files import read_scene


class LoadModalities(BaseTransform):
    """Load the pictures of several modalities into one array; stands for LoadImageFromFile.

    Resizing, flips, crops and rotations behind it move all modalities alike, since they see one
    picture with more channels. Photometric changes belong into `OnModality`, transforms that take
    three channels for granted, as Mosaic does, into `ThreeChannelsAtATime`.

    The data set's `img_path` is the reference's file; `partner` in `files/modality_files.py` says
    how the others are found.

    Reads `img_path`. Sets `img`, (H, W, C) as `read_stack` says; `img_shape` and `ori_shape`,
    (H, W); `modalities`, the slice of channels by modality; `eight_bits`, the names of those that
    `has_eight_bits`, which later steps cannot tell from the values any more.

    Args:
        modalities: a dict with the attributes of `Modality` for each, the reference first.
            `MultiModalPreprocessor` takes the same list.
        absent: names of modalities whose files are not read: there are zeros in their place. The
            preprocessor has to know them as well.

    Raises:
        ValueError: for modalities that do not fit, and unknown names.
        DataError: when loading, for a missing or ambiguous partner and files that do not fit.
    """

    def __init__(self, modalities: Sequence[dict], absent: Sequence[str] = ()) -> None:
        self.modalities = modalities_of(modalities)
        self.absent = tuple(absent)
        names = [modality.name for modality in self.modalities]
        if wrong := [name for name in self.absent if name not in names]:
            raise ValueError(f"modality '{wrong[0]}' is unknown: choose from {', '.join(names)}")

    def transform(self, results: dict) -> dict:
        img = read_scene(Path(results["img_path"]), self.modalities, self.absent)
        results["img"] = img
        results["img_shape"] = results["ori_shape"] = img.shape[:2]
        results["modalities"] = channel_slices(self.modalities)
        results["eight_bits"] = eight_bit_modalities(img, self.modalities)
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(modalities={self.modalities}, absent={self.absent})"
