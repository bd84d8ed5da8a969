"""Ways to predict better than image by image, for mmseg configs: windows and mirror images."""

from mmengine.config import Config

from ..config_nodes import find_nodes, innermost, type_name
from ..tasks import Task


def set_sliding_window(cfg: Config, crop_size: int | None = None) -> str:
    """Let the model average logits of windows that overlap by a third; say what was decided.

    Args:
        crop_size: side of a square window in pixels; by default the config's own window or,
            without one, the crop that it trains on.

    Raises:
        ValueError: if the config names no size.
    """
    _require_segmentor(cfg, "--slide")
    if crop_size is not None and crop_size < 0:
        raise ValueError(f"--slide {crop_size}: give the side of a window in pixels")
    test_cfg = cfg.model.get("test_cfg") or {}
    trained_on = [
        step["crop_size"] for step in find_nodes(cfg.get("train_dataloader"), "RandomCrop")
    ]
    crop = next(filter(None, (crop_size, test_cfg.get("crop_size"), *trained_on)), None)
    if crop is None:
        raise ValueError("--slide: the config has no crop size; give one, e.g. --slide 512")
    height, width = (crop, crop) if isinstance(crop, int) else crop
    stride = tuple(max(1, side * 2 // 3) for side in (height, width))
    window = {"mode": "slide", "crop_size": (height, width), "stride": stride}
    cfg.model.test_cfg = {**test_cfg, **window}
    return f"Sliding window: {height} x {width}, stride {stride[0]} x {stride[1]}"


def set_flip_augmentation(cfg: Config) -> str:
    """Average the predictions of every test image and its mirror image; say what was decided.

    The config's own `tta_pipeline` and `tta_model` are used where it has them, mirroring alone and
    mmseg's SegTTAModel where not.
    """
    _require_segmentor(cfg, "--tta")
    decided = "Test-time augmentation: the config's tta_pipeline"
    pipeline = cfg.get("tta_pipeline")
    if pipeline is None:
        decided = "Test-time augmentation: each image and its mirror image"
        load, *rest = innermost(cfg.test_dataloader.dataset)[0]["pipeline"]
        pack_step = Task.SEMANTIC_SEGMENTATION.pack_step
        loads = [step for step in rest if type_name(step) == "LoadAnnotations"]
        packs = [
            {key: value for key, value in step.items() if key != "meta_keys"}
            for step in rest
            if type_name(step) == pack_step
        ]
        named = ("LoadAnnotations", "RandomFlip", pack_step)
        others = [step for step in rest if type_name(step) not in named]
        flip = {"type": "RandomFlip", "direction": "horizontal"}
        flips = [{**flip, "prob": 0.0}, {**flip, "prob": 1.0}]
        # The truth is loaded behind the flips: it stays as it is.
        augmented = [*([step] for step in others), flips, *([step] for step in [*loads, *packs])]
        pipeline = [load, {"type": "TestTimeAug", "transforms": augmented}]
    for dataset in innermost(cfg.test_dataloader.dataset):
        dataset["pipeline"] = pipeline
    cfg.model = {**(cfg.get("tta_model") or {"type": "SegTTAModel"}), "module": cfg.model}
    return decided


def _require_segmentor(cfg: Config, option: str) -> None:
    if cfg.model.get("decode_head") is None:
        raise ValueError(f"{option} serves segmentation configs, and this one has no decode_head")
