"""What --data does to an mmpretrain config."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

from ..data.classification import ClassificationData, list_file
from .config_edits import replace_datasets, walk


def set_classification_data(cfg: Config, data: ClassificationData, index_dir: Path) -> None:
    """Point a classification config at the user's data; pipelines, samplers and batch sizes stay.

    Every split is read by mmpretrain's CustomDataset through the list that `write_lists(data,
    index_dir)` writes. The config's metrics stay. Without a test split, testing uses val.

    Raises:
        ValueError: if the config has no dataset to replace, or scores the best k of fewer classes.
    """

    def new_dataset(split: str, old: ConfigDict) -> ConfigDict:
        return ConfigDict(
            type="CustomDataset",
            data_root=str(data.root),
            ann_file=str(list_file(split, index_dir)),
            metainfo={"classes": data.classes},
            pipeline=old["pipeline"],
            test_mode=split != "train",
        )

    replace_datasets(cfg, data.splits, new_dataset)
    classes = len(data.classes)

    def set_num_classes(node: dict) -> None:
        if "num_classes" in node:
            node["num_classes"] = classes
        topk = node.get("topk")
        largest = max(topk) if isinstance(topk, list | tuple) else topk or 0
        if largest > classes:
            raise ValueError(
                f"the config's topk={topk} scores the best {largest} of {classes} classes: give a "
                "smaller topk"
            )

    for part in (cfg.model, cfg.get("val_evaluator"), cfg.get("test_evaluator")):
        walk(part, set_num_classes)
