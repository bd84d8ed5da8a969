"""What --data does to an mmdet config."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

from ..config_nodes import pipeline_steps, walk
from ..data.detection.find import DetectionData
from ..data.detection.index import ann_file
from ..data.formats.instance_masks import require_segmentations
from .datasets import make_palette, replace_datasets


def set_detection_data(cfg: Config, data: DetectionData, index_dir: Path) -> None:
    """Point a detection config at the user's data; pipelines, samplers and batch sizes stay.

    Every split is read by mmdet's CocoDataset, a VOC folder through the index that
    `write_index(data, index_dir)` writes. COCO data is judged by CocoMetric, VOC data by VOC's mAP
    at IoU 0.5 (area under the curve) as well. Without a test split, testing uses val.

    Raises:
        ValueError: if the config has no dataset to replace, or wants masks that the data lacks.
    """
    if any(step.get("with_mask") for step in pipeline_steps(cfg)):
        require_segmentations(data)

    def new_dataset(split: str, old: ConfigDict) -> ConfigDict:
        new = ConfigDict(
            type="CocoDataset",  # leaves out boxes under a pixel: zero area makes the targets NaN
            data_root="",
            ann_file=str(ann_file(data, split, index_dir)),
            data_prefix={"img": str(data.splits[split].image_dir)},
            metainfo={"classes": data.classes, "palette": make_palette(len(data.classes))},
            pipeline=old["pipeline"],
            test_mode=split != "train",
        )
        if split == "train":
            new.filter_cfg = old.get("filter_cfg") or {"filter_empty_gt": True, "min_size": 1}
        return new

    for loader, split in replace_datasets(cfg, data.splits, new_dataset):
        if split != "train":
            name = loader.replace("dataloader", "evaluator")
            scored = _coco_metric(cfg.get(name))
            cfg[name] = _detection_metrics(data, scored, ann_file(data, split, index_dir))

    def set_num_classes(node: dict) -> None:
        if "num_classes" in node:
            node["num_classes"] = len(data.classes)

    walk(cfg.model, set_num_classes)


def _coco_metric(evaluator: object) -> str | list[str]:
    """What the config's CocoMetric scores, boxes where it has none."""
    found: list = []

    def collect(node: dict) -> None:
        if node.get("type") == "CocoMetric":
            found.append(node.get("metric", "bbox"))

    walk(evaluator, collect)
    return found[0] if found else "bbox"


def _detection_metrics(
    data: DetectionData, scored: str | list[str], ann_file: Path
) -> list[ConfigDict]:
    coco = ConfigDict(type="CocoMetric", ann_file=str(ann_file), metric=scored, classwise=True)
    if data.format == "coco":
        return [coco]
    return [ConfigDict(type="VOCMetric", metric="mAP", eval_mode="area"), coco]
