"""How an mmseg config reads the user's masks, and judges by them."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

from ...config_nodes import LOADERS, find_nodes
from ...data.folders import list_file
from ...data.segmentation.find import SegmentationData
from ...data.segmentation.index import are_listed, mask_dir, mask_suffix
from ...palette import make_palette


def dataset(data: SegmentationData, split: str, old: ConfigDict, index_dir: Path) -> ConfigDict:
    """mmseg's BaseSegDataset of a split, by the list of names in `index_dir`.

    It is LabelMapDataset where the masks' values are not the classes' numbers, and where the list
    names the masks too.
    """
    source: dict = {"type": "BaseSegDataset"}
    listed = are_listed(data, split)
    if listed or any(value != label for value, label in data.label_map.items()):
        source = {"type": "LabelMapDataset", "values": data.label_map, "masks_listed": listed}
    palette = data.palette or make_palette(len(data.classes))
    if data.instances is not None:  # a black background
        palette = [(0, 0, 0), *make_palette(len(data.classes) - 1)]
    files = data.splits[split]
    return ConfigDict(
        **source,
        data_root="",
        ann_file=str(list_file(split, index_dir)),
        data_prefix={
            "img_path": str(files.image_dir),
            "seg_map_path": str(mask_dir(data, split, index_dir)),
        },
        img_suffix=files.image_suffix,
        seg_map_suffix=mask_suffix(data, split),
        reduce_zero_label=False,
        metainfo={"classes": data.classes, "palette": palette},
    )


def metrics(
    data: SegmentationData, split: str, evaluator: object, index_dir: Path
) -> list[ConfigDict]:
    """The config's own IoU metric with a row for each class, by default of mIoU."""
    found = find_nodes(evaluator, "IoUMetric", "ClasswiseIoUMetric")
    old = found[-1] if found else {"iou_metrics": ["mIoU"]}
    return [ConfigDict({**old, "type": "ClasswiseIoUMetric"})]


def fit_config(cfg: Config, data: SegmentationData) -> None:
    """Read masks as indices from 0 on; ValueError for a config whose reader misreads indices."""
    datasets = [cfg[loader].dataset for loader in LOADERS]
    for load in find_nodes([*datasets, cfg.get("tta_pipeline")], "LoadAnnotations"):
        load.pop("reduce_zero_label", None)
        backend = load.get("imdecode_backend", "pillow")
        if backend != "pillow":
            raise ValueError(
                f"the config's LoadAnnotations reads masks with {backend}, which turns the indices "
                "of a palette PNG into colours: leave imdecode_backend out"
            )
