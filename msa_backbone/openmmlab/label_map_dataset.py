"""A segmentation dataset whose masks hold other values than the classes' numbers."""

from mmseg.datasets import BaseSegDataset


class LabelMapDataset(BaseSegDataset):
    """mmseg's BaseSegDataset with the label map that mmseg derives for its own datasets only.

    Args:
        values: the class of every value in the masks, 255 for a value to ignore.
    """

    def __init__(self, values: dict[int, int], **kwargs) -> None:
        self._values = values
        super().__init__(**kwargs)

    def get_label_map(self, new_classes: object = None) -> dict[int, int]:
        """The class of every value; LoadAnnotations replaces the values by it."""
        return {value: label for value, label in self._values.items() if value != label}
