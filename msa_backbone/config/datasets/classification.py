"""How an mmpretrain config reads the user's classes of images, and judges by them."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

from ...config_nodes import type_name, walk
from ...data.classification.find import ClassificationData
from ...data.folders import list_file

CLASSWISE = "ClasswiseSingleLabelMetric"


def dataset(data: ClassificationData, split: str, old: ConfigDict, index_dir: Path) -> ConfigDict:
    """mmpretrain's CustomDataset of a split, by the list in `index_dir`."""
    return ConfigDict(
        type="CustomDataset",
        data_root=str(data.root),
        ann_file=str(list_file(split, index_dir)),
        metainfo={"classes": data.classes},
    )


def metrics(
    data: ClassificationData, split: str, evaluator: object, index_dir: Path
) -> list[ConfigDict]:
    """The config's metrics, accuracy by default, with precision, recall and F1 of every class."""
    old = evaluator if isinstance(evaluator, list | tuple) else [evaluator]
    old = [metric for metric in old if metric] or [ConfigDict(type="Accuracy", topk=(1,))]
    singles = [metric for metric in old if type_name(metric) in ("SingleLabelMetric", CLASSWISE)]
    others = [metric for metric in old if metric not in singles]
    return [*others, ConfigDict({**(singles or [{}])[0], "type": CLASSWISE})]


def fit_config(cfg: Config, data: ClassificationData) -> None:
    """Let no accuracy count more best classes (`topk`) than there are."""
    classes = len(data.classes)

    def fit(node: dict) -> None:
        topk = node.get("topk")
        if isinstance(topk, int):
            node["topk"] = min(topk, classes)
        elif topk:
            node["topk"] = tuple(k for k in topk if k <= classes) or (1,)

    for part in ("model", "val_evaluator", "test_evaluator"):
        walk(cfg.get(part), fit)
