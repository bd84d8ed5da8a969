"""What a backbone for several modalities is made of: their streams, and which of them are there."""

from .presence import (
    check_probabilities,
    check_sensors,
    per_modality,
    split_channels,
    which_are_present,
)

__all__ = [
    "check_probabilities",
    "check_sensors",
    "per_modality",
    "split_channels",
    "which_are_present",
]
