"""Which images a classifier gets right: what an interval over images is made of."""

import json
from collections.abc import Sequence
from pathlib import Path

from mmengine.evaluator import BaseMetric

from ...files.whole_files import write_whole


class RightByImage(BaseMetric):
    """Writes a json of [image, whether the class of the highest score is true]; gives no score.

    Args:
        file: the json.
        others: of mmengine's BaseMetric.
    """

    def __init__(self, file: str, **others: object) -> None:
        super().__init__(**others)
        self.file = file

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Keep every image's name, and whether its class was found."""
        for sample in data_samples:
            right = int(sample["pred_label"]) in sample["gt_label"].tolist()
            image = sample.get("img_path", sample.get("sample_idx", len(self.results)))
            self.results.append((str(image), right))

    def compute_metrics(self, results: list[tuple[str, bool]]) -> dict[str, float]:
        """Write the file."""
        write_whole(Path(self.file), json.dumps(results))
        return {}
