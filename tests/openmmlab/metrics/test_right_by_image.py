"""Which images a classifier gets right, as a file."""

import json

import torch
from mmengine.registry import METRICS

import msa_backbone  # noqa: F401  (registers)


def test_it_writes_whether_each_image_is_right(tmp_path):
    metric = METRICS.build({"type": "RightByImage", "file": str(tmp_path / "right.json")})
    for first in (0, 2):
        samples = [
            {
                "img_path": f"x/{n}.png",
                "pred_label": torch.tensor([n % 3]),
                "gt_label": torch.tensor([n % 2]),
            }
            for n in (first, first + 1)
        ]
        metric.process(None, samples)
    assert metric.evaluate(4) == {}
    told = json.loads((tmp_path / "right.json").read_text())
    assert told == [["x/0.png", True], ["x/1.png", True], ["x/2.png", False], ["x/3.png", False]]
