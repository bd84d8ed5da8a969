"""What --data does to an mmpretrain config."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

from ..config_nodes import type_name, walk
from ..data.classification.find import ClassificationData
from ..data.classification.index import list_file
from .datasets import replace_datasets

CLASSWISE = "ClasswiseSingleLabelMetric"


def set_classification_data(cfg: Config, data: ClassificationData, index_dir: Path) -> None:
    """Point a classification config at the user's data; pipelines, samplers and batch sizes stay.

    Every split is read by mmpretrain's CustomDataset through the list that `write_lists(data,
    index_dir)` writes, and judged by the config's metrics, and by precision, recall and F1 in total
    and per class. A `topk` that exceeds the number of classes is lowered. Without a test split,
    testing uses val.

    Raises:
        ValueError: if the config has no dataset to replace.
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

    for loader, split in replace_datasets(cfg, data.splits, new_dataset):
        if split != "train":
            name = loader.replace("dataloader", "evaluator")
            cfg[name] = _metrics(cfg.get(name))
    classes = len(data.classes)

    def fit_classes(node: dict) -> None:
        if "num_classes" in node:
            node["num_classes"] = classes
        topk = node.get("topk")
        if isinstance(topk, int):
            node["topk"] = min(topk, classes)
        elif topk:
            node["topk"] = tuple(k for k in topk if k <= classes) or (1,)

    # mmpretrain's own configs have their data_preprocessor beside the model.
    for part in ("model", "data_preprocessor", "val_evaluator", "test_evaluator"):
        walk(cfg.get(part), fit_classes)


def _metrics(evaluator: object) -> list[ConfigDict]:
    """The config's metrics, accuracy by default, with a row for each class."""
    old = evaluator if isinstance(evaluator, list | tuple) else [evaluator]
    metrics = [metric for metric in old if metric] or [ConfigDict(type="Accuracy", topk=(1,))]
    singles = [m for m in metrics if type_name(m) in ("SingleLabelMetric", CLASSWISE)]
    others = [metric for metric in metrics if metric not in singles]
    return [*others, ConfigDict({**(singles or [{}])[0], "type": CLASSWISE})]
