"""How an mmdet config reads the user's boxes and masks, and judges by them."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

from ...config_nodes import find_nodes, type_name
from ...data.detection.index import ann_file
from ...data.formats.detection_annotations import DetectionData
from ...data.formats.instance_masks import require_segmentations
from ...palette import make_palette
from ...tasks import Task, task_of

# Metrics that read what no other data set's images have.
_OF_ONE_DATA_SET = ("CityScapesMetric", "OpenImagesMetric")


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
    """The config's own CocoMetric with a row for each class, by default of boxes.

    VOC data are judged by VOC's mAP as well, by default at IoU 0.5, the area under the curve. The
    config's other metrics stay, but for those that read an annotation file: it is of other data.
    """
    old = {"metric": "bbox", **next(iter(find_nodes(evaluator, "CocoMetric")), {})}
    file = str(ann_file(data, split, index_dir))
    coco = ConfigDict({**old, "type": "CocoMetric", "ann_file": file, "classwise": True})
    listed = evaluator if isinstance(evaluator, list | tuple) else [evaluator]
    others = [metric for metric in listed if metric and _scores_any_data(metric)]
    if data.format == "voc" and not find_nodes(others, "VOCMetric"):
        others.append(ConfigDict(type="VOCMetric", metric="mAP", eval_mode="area"))
    return [*others, coco]


def _scores_any_data(metric: dict) -> bool:
    of_other_data = type_name(metric) in ("CocoMetric", *_OF_ONE_DATA_SET)
    return not of_other_data and not {"ann_file", "metrics"} & metric.keys()  # or several metrics


def fit_config(cfg: Config, data: DetectionData) -> None:
    """Refuse boxes without masks for a config that trains on masks."""
    if task_of(cfg) is Task.INSTANCE_SEGMENTATION:
        require_segmentations(data)
