"""How an mmdet config reads the user's boxes and masks, and judges by them."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

from ...config_nodes import find_nodes
from ...data.detection.index import ann_file
from ...data.formats.detection_annotations import DetectionData
from ...data.formats.instance_masks import require_segmentations
from ...palette import make_palette
from ...tasks import Task, task_of


def dataset(data: DetectionData, split: str, old: ConfigDict, index_dir: Path) -> ConfigDict:
    """mmdet's CocoDataset of a split; other formats are read through the json in `index_dir`."""
    new = ConfigDict(
        type="CocoDataset",  # leaves out boxes under a pixel: zero area makes the targets NaN
        data_root="",
        ann_file=str(ann_file(data, split, index_dir)),
        data_prefix={"img": str(data.splits[split].image_dir)},
        metainfo={"classes": data.classes, "palette": make_palette(len(data.classes))},
    )
    if split == "train":
        new.filter_cfg = old.get("filter_cfg") or {"filter_empty_gt": True, "min_size": 1}
    return new


def metrics(
    data: DetectionData, split: str, evaluator: object, index_dir: Path
) -> list[ConfigDict]:
    """COCO's AP of what the config's own CocoMetric scores, by default of boxes.

    VOC data are judged by VOC's mAP as well, at IoU 0.5, the area under the curve.
    """
    old = next(iter(find_nodes(evaluator, "CocoMetric")), {})
    coco = ConfigDict(
        type="CocoMetric",
        ann_file=str(ann_file(data, split, index_dir)),
        metric=old.get("metric", "bbox"),
        classwise=True,
    )
    if data.format == "voc":
        return [ConfigDict(type="VOCMetric", metric="mAP", eval_mode="area"), coco]
    return [coco]


def fit_config(cfg: Config, data: DetectionData) -> None:
    """Refuse boxes without masks for a config that trains on masks."""
    if task_of(cfg) is Task.INSTANCE_SEGMENTATION:
        require_segmentations(data)
