"""What the tools' options do to an mmseg config: each function changes one thing in place."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

from ..config_nodes import innermost, type_name, walk
from ..data.segmentation.find import SegmentationData
from ..data.segmentation.index import list_file, mask_dir
from .datasets import make_palette, replace_datasets


def set_segmentation_data(cfg: Config, data: SegmentationData, index_dir: Path) -> None:
    """Point a segmentation config at the user's data; pipelines, samplers and batch sizes stay.

    Every split is read by mmseg's BaseSegDataset, or by LabelMapDataset where the masks' values are
    not the classes' numbers, through the list that `write_lists(data,
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

    source: dict = {"type": "BaseSegDataset"}
    if any(value != label for value, label in data.label_map.items()):
        source = {"type": "LabelMapDataset", "values": data.label_map}

    def new_dataset(split: str, old: ConfigDict) -> ConfigDict:
        own = data.splits[split]
        return ConfigDict(
            **source,
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
        if type_name(node) == "LoadAnnotations":
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
            cfg[name] = [_iou_metric(cfg.get(name))]
    walk(cfg.get("tta_pipeline"), read_indices)
    old_classes: list[int] = []

    def collect(node: dict) -> None:
        if "num_classes" in node:
            old_classes.append(node["num_classes"])

    walk(cfg.model, collect)

    def set_num_classes(node: dict) -> None:
        if "num_classes" in node:
            if node.get("out_channels") == node["num_classes"]:
                node["out_channels"] = classes
            node["num_classes"] = classes
        weights = node.get("class_weight")
        if not isinstance(weights, list | tuple):
            return
        # Mask2Former's loss has a last weight for "no object".
        no_object = weights[-1:] if len(weights) == old_classes[0] + 1 else []
        own = weights[: len(weights) - len(no_object)]
        if len(set(own)) == 1:
            node["class_weight"] = [own[0]] * classes + list(no_object)
        elif len(own) != classes:
            raise ValueError(
                f"the config's class_weight has {len(weights)} weights, the data {classes} "
                "classes: give a weight for each, or leave class_weight out"
            )

    walk(cfg.model, set_num_classes)


def _iou_metric(evaluator: object) -> ConfigDict:
    """The config's own IoU metric with a row for each class, by default of mIoU."""
    found = [ConfigDict(iou_metrics=["mIoU"])]

    def collect(node: dict) -> None:
        if type_name(node) in ("IoUMetric", "ClasswiseIoUMetric"):
            found.append(node)

    walk(evaluator, collect)
    return ConfigDict({**found[-1], "type": "ClasswiseIoUMetric"})


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
    if crop_size is not None and crop_size < 0:
        raise ValueError(f"--slide {crop_size}: give the side of a window in pixels")
    test_cfg = cfg.model.get("test_cfg") or {}
    crops: list = [crop_size] if crop_size else [test_cfg.get("crop_size")]

    def collect(node: dict) -> None:
        if type_name(node) == "RandomCrop":
            crops.append(node["crop_size"])

    walk(cfg.get("train_dataloader"), collect)
    crop = next(filter(None, crops), None)
    if crop is None:
        raise ValueError("--slide: the config has no crop size; give one, e.g. --slide 512")
    height, width = (crop, crop) if isinstance(crop, int) else crop
    stride = tuple(max(1, side * 2 // 3) for side in (height, width))
    window = {"mode": "slide", "crop_size": (height, width), "stride": stride}
    cfg.model.test_cfg = {**test_cfg, **window}
    return f"Sliding window: {height} x {width}, stride {stride[0]} x {stride[1]}"


def set_flip_augmentation(cfg: Config) -> str:
    """Average the prediction of every test image with that of its mirror image.

    The config's own `tta_pipeline` and `tta_model` are used where it has them, mirroring alone and
    mmseg's SegTTAModel where not.

    Returns:
        What was decided, for the user.
    """
    _require_segmentor(cfg, "--tta")
    decided = "Test-time augmentation: the config's tta_pipeline"
    pipeline = cfg.get("tta_pipeline")
    if pipeline is None:
        decided = "Test-time augmentation: each image and its mirror image"
        load, *rest = innermost(cfg.test_dataloader.dataset)[0]["pipeline"]
        steps = {"LoadAnnotations": [], "PackSegInputs": [], "RandomFlip": []}
        before = [[step] for step in rest if type_name(step) not in steps]
        for step in rest:
            steps.get(type_name(step), []).append(step)
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
    for dataset in innermost(cfg.test_dataloader.dataset):
        dataset["pipeline"] = pipeline
    cfg.model = {**(cfg.get("tta_model") or {"type": "SegTTAModel"}), "module": cfg.model}
    return decided


def _require_segmentor(cfg: Config, option: str) -> None:
    if cfg.model.get("decode_head") is None:
        raise ValueError(f"{option} serves segmentation configs, and this one has no decode_head")
