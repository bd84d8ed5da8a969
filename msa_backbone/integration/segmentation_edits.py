"""What the tools' options do to an mmseg config: each function changes one thing in place."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

from ..data.masks import list_file, mask_dir
from ..data.segmentation import SegmentationData
from .config_edits import make_palette, replace_datasets, walk


def set_segmentation_data(cfg: Config, data: SegmentationData, index_dir: Path) -> None:
    """Point a segmentation config at the user's data; pipelines, samplers and batch sizes stay.

    Every split is read by mmseg's BaseSegDataset through the list that `write_lists(data,
    index_dir)` writes, and judged by IoU, in total and per class. Without a test split, testing
    uses val.

    Raises:
        ValueError: if the config has no dataset to replace, or a setting that does not fit the
            number of classes.
    """
    classes = len(data.classes)
    palette = data.palette or make_palette(classes)
    if data.instances is not None:
        palette = [(0, 0, 0), *make_palette(classes - 1)]

    def new_dataset(split: str, old: ConfigDict) -> ConfigDict:
        own = data.splits[split]
        return ConfigDict(
            type="BaseSegDataset",
            data_root="",
            ann_file=str(list_file(split, index_dir)),
            data_prefix={
                "img_path": str(own.image_dir),
                "seg_map_path": str(mask_dir(data, split, index_dir)),
            },
            img_suffix=own.image_suffix,
            seg_map_suffix=own.mask_suffix,
            reduce_zero_label=False,
            metainfo={"classes": data.classes, "palette": palette},
            pipeline=old["pipeline"],
            test_mode=split != "train",
        )

    def read_indices(node: dict) -> None:
        """Masks are indices from 0 on, also where the config's own data were not."""
        if node.get("type") == "LoadAnnotations":
            node.pop("reduce_zero_label", None)
            if node.get("imdecode_backend", "pillow") != "pillow":
                raise ValueError(
                    f"the config's LoadAnnotations reads masks with {node['imdecode_backend']}, "
                    "which turns the indices of a palette PNG into colours: leave "
                    "imdecode_backend out"
                )

    for loader, split in replace_datasets(cfg, data.splits, new_dataset):
        walk(cfg[loader].dataset, read_indices)
        if split != "train":
            name = loader.replace("dataloader", "evaluator")
            cfg[name] = [ConfigDict(type="ClasswiseIoUMetric", iou_metrics=_iou_metrics(cfg[name]))]

    def set_num_classes(node: dict) -> None:
        if "num_classes" in node:
            if node.get("out_channels") == node["num_classes"]:
                node["out_channels"] = classes
            node["num_classes"] = classes
        weights = node.get("class_weight")
        if isinstance(weights, list | tuple) and len(weights) != classes:
            raise ValueError(
                f"the config's class_weight has {len(weights)} weights, the data {classes} "
                "classes: give a weight for each, or leave class_weight out"
            )

    walk(cfg.model, set_num_classes)


def _iou_metrics(evaluator: object) -> list[str]:
    """What the config's own metric scores, mIoU where it does not say."""
    found: list = []
    walk(evaluator, lambda node: found.append(node.get("iou_metrics")))
    return next(filter(None, found), ["mIoU"])


def set_sliding_window(cfg: Config, crop_size: int | None = None) -> str:
    """Let the model predict windows that overlap by a third, and average their logits.

    Args:
        crop_size: side of a square window in pixels; by default the config's own window or,
            without one, the crop that it trains on.

    Returns:
        What was decided, for the user.

    Raises:
        ValueError: if the config names no size.
    """
    _require_segmentor(cfg, "--slide")
    crops: list = [crop_size] if crop_size else [cfg.model.test_cfg.get("crop_size")]

    def collect(node: dict) -> None:
        if node.get("type") == "RandomCrop":
            crops.append(node["crop_size"])

    walk(cfg.get("train_dataloader"), collect)
    crop = next(filter(None, crops), None)
    if crop is None:
        raise ValueError("--slide: the config has no crop size; give one, e.g. --slide 512")
    height, width = (crop, crop) if isinstance(crop, int) else crop
    stride = tuple(max(1, side * 2 // 3) for side in (height, width))
    cfg.model.test_cfg.update(mode="slide", crop_size=(height, width), stride=stride)
    return f"Sliding window: {height} x {width}, stride {stride[0]} x {stride[1]}"


def set_flip_augmentation(cfg: Config) -> str:
    """Average the prediction of every test image with that of its mirror image.

    The config's own `tta_pipeline` is used where it has one, mirroring alone where not.

    Returns:
        What was decided, for the user.
    """
    _require_segmentor(cfg, "--tta")
    decided = "Test-time augmentation: the config's tta_pipeline"
    pipeline = cfg.get("tta_pipeline")
    if pipeline is None:
        decided = "Test-time augmentation: each image and its mirror image"
        load, *rest = _test_pipeline(cfg.test_dataloader.dataset)
        steps = {"LoadAnnotations": [], "PackSegInputs": [], "RandomFlip": []}
        before = [[step] for step in rest if step["type"] not in steps]
        for step in rest:
            steps.get(step["type"], []).append(step)
        flips = [
            {"type": "RandomFlip", "prob": probability, "direction": "horizontal"}
            for probability in (0.0, 1.0)
        ]
        # The truth is loaded behind the flips: it stays as it is.
        behind = [[step] for step in steps["LoadAnnotations"]]
        behind += [
            [{k: v for k, v in step.items() if k != "meta_keys"}] for step in steps["PackSegInputs"]
        ]
        pipeline = [load, {"type": "TestTimeAug", "transforms": [*before, flips, *behind]}]
    _set_test_pipeline(cfg.test_dataloader.dataset, pipeline)
    cfg.model = {"type": "SegTTAModel", "module": cfg.model}
    return decided


def _test_pipeline(dataset: ConfigDict) -> list[dict]:
    return _test_pipeline(dataset["dataset"]) if "dataset" in dataset else dataset["pipeline"]


def _set_test_pipeline(dataset: ConfigDict, pipeline: list[dict]) -> None:
    if "dataset" in dataset:
        _set_test_pipeline(dataset["dataset"], pipeline)
    else:
        dataset["pipeline"] = pipeline


def _require_segmentor(cfg: Config, option: str) -> None:
    if cfg.model.get("decode_head") is None:
        raise ValueError(f"{option} serves segmentation configs, and this one has no decode_head")
