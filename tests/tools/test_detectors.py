"""mmdet's own detectors, with our backbone by the README's lines, train and are evaluated."""

import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mmdet")

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DETECTION = (ROOT / "configs/detection/README.md").read_text(encoding="utf-8")
(THEIRS_WITH_OURS,) = re.findall(r"```python\n(_base_ = 'mmdet::.*?)```", README, re.DOTALL)

SMALL = [
    "train_dataloader.batch_size=1",
    "train_dataloader.dataset.indices=5",
    "val_dataloader.dataset.indices=2",
    "train_dataloader.dataset.pipeline.2.scale=(128,128)",
    "val_dataloader.dataset.pipeline.1.scale=(128,128)",
    "train_cfg.max_epochs=1",
    "default_hooks.logger.interval=1",
    *(
        f"{split}_dataloader.{key}"
        for split in ("train", "val", "test")
        for key in ("num_workers=0", "persistent_workers=False")
    ),
    "model.backbone.init_cfg=None",
]
NARROW = ["model.backbone.base_channels=16", "model.neck.in_channels=[32,64,128,128]"]


def train(run_tool, config: str, demo: Path, tmp_path: Path, options: list[str]) -> str:
    """Train for 5 iterations and evaluate; return the table of results."""
    path, work = tmp_path / "theirs.py", tmp_path / "work"
    path.write_text(config)
    run_tool(
        *("train", path, "--data", demo / "coco", "--work-dir", work, "--seed", 0),
        *("--cfg-options", *SMALL, *options),
    )
    (scalars,) = work.glob("*/vis_data/scalars.json")
    records = [json.loads(line) for line in scalars.read_text().splitlines()]
    losses = [record["loss"] for record in records if "loss" in record]
    assert len(losses) == 5 and np.isfinite(losses).all()
    return (work / "results.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "theirs",
    [
        "faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py",
        "mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py",
        "cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py",
        "retinanet/retinanet_r50_fpn_1x_coco.py",
        "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py",
    ],
)
def test_only_the_first_line_differs(theirs, run_tool, demo, tmp_path):
    assert theirs in README + DETECTION
    first, rest = THEIRS_WITH_OURS.split("\n", 1)
    config = f"_base_ = 'mmdet::{theirs}'\n{rest}"
    assert first.startswith("_base_ = 'mmdet::faster_rcnn/")
    options = [] if "rcnn" in theirs else ["model.test_cfg.score_thr=0"]  # or nothing is found yet
    table = train(run_tool, config, demo, tmp_path, NARROW + options)
    assert "| coco/bbox_mAP_50 |" in table
    assert ("| coco/segm_mAP_50 |" in table) == ("mask" in theirs)


SOFT_NMS = "model['test_cfg'] = dict(rcnn=dict(nms=dict(type='soft_nms', iou_threshold=0.5)))\n"
ROI_POOL = """
model['roi_head'] = dict(bbox_roi_extractor=dict(
    roi_layer=dict(_delete_=True, type='RoIPool', output_size=7)))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "op"),
    [(SOFT_NMS, "softnms"), (ROI_POOL, "roi_pool_backward")],
    ids=["soft_nms", "RoIPool"],
)
def test_faster_rcnn_with_other_ops(change, op, run_tool, demo, tmp_path, monkeypatch):
    from msa_backbone.openmmlab import mmcv_ops  # noqa: F401  (mmcv._ext exists from now on)

    extension = importlib.import_module("mmcv._ext")
    called = []
    original = getattr(extension, op)

    def spy(*args, **kwargs):
        called.append(op)
        return original(*args, **kwargs)

    monkeypatch.setattr(extension, op, spy)
    table = train(run_tool, THEIRS_WITH_OURS + change, demo, tmp_path, NARROW)
    assert "| coco/bbox_mAP_50 |" in table
    assert called


@pytest.mark.slow
@pytest.mark.parametrize("version", ["dcn/faster-rcnn_r50-dconv", "dcnv2/faster-rcnn_r50-mdconv"])
def test_a_deformable_resnet_that_is_mmdets_own(version, run_tool, demo, tmp_path):
    config = f"_base_ = 'mmdet::{version}-c3-c5_fpn_1x_coco.py'\n"
    assert "| coco/bbox_mAP_50 |" in train(run_tool, config, demo, tmp_path, [])
