"""What values the pictures of a camera have, beside what the config normalises them by.

A config that was made for one infrared camera may be wrong for another one: with 14 bits stored in
16, what should have mean 0 and deviation 1 has mean 200, and a training fails without an error.
"""

from collections.abc import Sequence

import numpy as np

from ...files.modality import Modality, channel_slices

FAR_MEAN = 2.0
"""In deviations of the values: a configured mean further away is told."""
FAR_DEVIATION = 5.0
"""A normalised deviation so many times off the reference's is told. What it should be depends on
the weights: those of Caffe take pictures that are not divided at all."""


class ValueStatistics:
    """Mean and deviation of each modality, over all channels and known places of many scenes."""

    def __init__(self, modalities: Sequence[Modality]) -> None:
        self.modalities = modalities
        self._sums = np.zeros((len(modalities), 3))  # count, sum, sum of squares

    def add(self, stack: np.ndarray) -> None:
        """A scene, as `read_stack` gives it."""
        masks = stack.shape[2] - sum(modality.unknown for modality in self.modalities)
        slices = channel_slices(self.modalities)
        for sums, modality in zip(self._sums, self.modalities, strict=True):
            values = stack[..., slices[modality.name]].astype(np.float64)
            if modality.unknown:
                values = values[stack[..., masks] > 0]
                masks += 1
            sums += values.size, values.sum(), np.square(values).sum()

    def lines(self) -> list[str]:
        """A line for each modality whose values are far from what the config says."""
        found, reference = [], 0.0
        for (count, total, squares), modality in zip(self._sums, self.modalities, strict=True):
            if not count:
                continue
            mean = total / count
            deviation = max(squares / count - mean**2, 0.0) ** 0.5
            wanted, scale = float(np.mean(modality.mean)), float(np.mean(modality.std))
            normalised = deviation / scale
            reference = reference or normalised
            near = reference / FAR_DEVIATION <= normalised <= reference * FAR_DEVIATION
            if abs(mean - wanted) > FAR_MEAN * deviation or not near:
                found.append(
                    f"{modality.name}: the values have mean {mean:.4g} and deviation "
                    f"{deviation:.4g}, the config normalises by {wanted:.4g} and {scale:.4g}; "
                    "correct mean and std of its modalities"
                )
        return found
