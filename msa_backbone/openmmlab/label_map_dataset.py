"""A segmentation dataset whose masks hold other values than the classes' numbers."""

from pathlib import Path

from mmseg.datasets import BaseSegDataset


class LabelMapDataset(BaseSegDataset):
    """mmseg's BaseSegDataset with the label map that mmseg derives for its own datasets only.

    Args:
        values: the class of every value in the masks, 255 for a value to ignore.
        masks_listed: whether a line of `ann_file` is the file of an image and that of its mask,
            with a tab between, instead of a name that both have before their suffixes.
    """

    def __init__(self, values: dict[int, int], masks_listed: bool = False, **kwargs) -> None:
        self._values = values
        self._masks_listed = masks_listed
        super().__init__(**kwargs)

    def get_label_map(self, new_classes: object = None) -> dict[int, int]:
        """The class of every value; LoadAnnotations replaces the values by it."""
        return {value: label for value, label in self._values.items() if value != label}

    def load_data_list(self) -> list[dict]:
        """What mmseg's pipelines start from, for every image."""
        if not self._masks_listed:
            return super().load_data_list()
        image_dir, mask_dir = self.data_prefix["img_path"], self.data_prefix["seg_map_path"]
        lines = Path(self.ann_file).read_text(encoding="utf-8").rstrip("\n").split("\n")
        return [
            {
                "img_path": str(Path(image_dir, image)),
                "seg_map_path": str(Path(mask_dir, mask)),
                "label_map": self.label_map,
                "reduce_zero_label": self.reduce_zero_label,
                "seg_fields": [],
            }
            for image, mask in (line.split("\t") for line in lines)
        ]
