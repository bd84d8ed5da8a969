"""What a backbone for several modalities is made of: their streams, and which of them are there."""

from .presence import (
    check_probabilities,
    check_sensors,
    leave_out,
    not_all_zero,
    per_modality,
    split_channels,
)

__all__ = [
    "check_probabilities",
    "check_sensors",
    "leave_out",
    "not_all_zero",
    "per_modality",
    "split_channels",
]
