"""What the tools' options do to an OpenMMLab config: each function changes one thing in place."""

from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.config import Config, ConfigDict

from ..data.layouts import DetectionData
from ..data.splits import ann_file
from . import hooks as _hooks  # noqa: F401  (registers ReportHook)


def walk(node: object, visit: Callable[[dict], None]) -> None:
    """Call `visit` on every dict inside a config, outermost first."""
    if isinstance(node, dict):
        visit(node)
        for value in node.values():
            walk(value, visit)
    elif isinstance(node, list | tuple):
        for value in node:
            walk(value, visit)


def set_detection_data(cfg: Config, data: DetectionData, index_dir: Path) -> None:
    """Point a detection config at the user's data; pipelines, samplers and batch sizes stay.

    Every split is read by mmdet's CocoDataset, a VOC folder through the index that
    `write_index(data, index_dir)` writes. COCO data is judged by CocoMetric, VOC data by VOC's mAP
    at IoU 0.5 (area under the curve) as well. Without a test split, testing uses val.

    Raises:
        ValueError: if the config has no detection dataset to replace.
    """
    for loader, split in (
        ("train_dataloader", "train"),
        ("val_dataloader", "val"),
        ("test_dataloader", "test"),
    ):
        split = split if split in data.splits else "val"
        if cfg.get(loader) is None:
            raise ValueError(f"the config has no {loader}, so --data has nothing to replace")
        cfg[loader].dataset = _replaced_dataset(cfg[loader].dataset, data, split, index_dir)
        if split != "train":
            cfg[loader.replace("dataloader", "evaluator")] = _detection_metrics(
                data, ann_file(data, split, index_dir)
            )

    def set_num_classes(node: dict) -> None:
        if "num_classes" in node:
            node["num_classes"] = len(data.classes)

    walk(cfg.model, set_num_classes)


def _replaced_dataset(
    dataset: ConfigDict, data: DetectionData, split: str, index_dir: Path
) -> ConfigDict:
    """A CocoDataset of `split` with the old dataset's pipeline, inside the old wrappers."""
    if "dataset" in dataset:
        dataset["dataset"] = _replaced_dataset(dataset["dataset"], data, split, index_dir)
        return dataset
    if "datasets" in dataset:  # several sources make way for the one
        return _replaced_dataset(dataset["datasets"][0], data, split, index_dir)
    if "pipeline" not in dataset:
        raise ValueError("the config's innermost dataset has no pipeline, so --data cannot keep it")
    new = ConfigDict(
        type="CocoDataset",
        data_root="",
        ann_file=str(ann_file(data, split, index_dir)),
        data_prefix={"img": str(data.splits[split].image_dir)},
        metainfo={"classes": data.classes},
        pipeline=dataset["pipeline"],
        test_mode=split != "train",
    )
    if split == "train":
        new.filter_cfg = {"filter_empty_gt": True, "min_size": 1}
        _drop_degenerate_boxes(new.pipeline)
    return new


def _drop_degenerate_boxes(pipeline: list) -> None:
    """Zero-area boxes turn box regression targets into NaN: filter them right after loading."""
    kinds = [step["type"] for step in pipeline]
    if "FilterAnnotations" not in kinds and "LoadAnnotations" in kinds:
        pipeline.insert(
            kinds.index("LoadAnnotations") + 1,
            ConfigDict(type="FilterAnnotations", min_gt_bbox_wh=(1, 1), keep_empty=False),
        )


def _detection_metrics(data: DetectionData, ann_file: Path) -> list[ConfigDict]:
    coco = ConfigDict(type="CocoMetric", ann_file=str(ann_file), metric="bbox", classwise=True)
    if data.format == "coco":
        return [coco]
    return [ConfigDict(type="VOCMetric", metric="mAP", eval_mode="area"), coco]


def set_backbone_weights(cfg: Config, weights: str) -> None:
    """Initialise the backbone, and a VGG box head, from `weights`."""
    pretrained = ConfigDict(type="Pretrained", checkpoint=weights)
    if "backbone" not in cfg.model:
        raise ValueError("the config's model has no backbone, so --weights has nothing to fill")
    cfg.model.backbone.init_cfg = pretrained

    def fill_head(node: dict) -> None:
        if node.get("type") == "VGGBBoxHead":
            node["init_cfg"] = pretrained

    walk(cfg.model, fill_head)


def set_mixed_precision(cfg: Config) -> None:
    """float16 with loss scaling on CUDA, bfloat16 on the CPU."""
    if torch.cuda.is_available():
        cfg.optim_wrapper.type = "AmpOptimWrapper"
        cfg.optim_wrapper.loss_scale = "dynamic"
    else:
        cfg.optim_wrapper.type = "CPUAmpOptimWrapper"


def enable_auto_scale_lr(cfg: Config) -> None:
    """Scale the learning rate with the actual total batch size (linear scaling rule)."""
    if "base_batch_size" not in cfg.get("auto_scale_lr", {}):
        raise ValueError(
            "--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config"
        )
    cfg.auto_scale_lr.enable = True


def drop_pretrained(cfg: Config) -> None:
    """Forget the files that a model starts training from."""

    def drop(node: dict) -> None:
        if isinstance(node.get("init_cfg"), dict) and node["init_cfg"].get("type") == "Pretrained":
            node["init_cfg"] = None

    walk(cfg.model, drop)


def add_report(cfg: Config) -> None:
    """Let a run leave curves, pictures and a table of results."""
    cfg.custom_hooks = [*cfg.get("custom_hooks", []), {"type": "ReportHook"}]
