"""What a config trains on: images after its pipeline, and how its classes and sizes are spread."""

import random
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, TRANSFORMS, init_default_scope

from ..files.images import image_size
from ..plots.data_samples import draw_truths
from ..plots.histograms import plot_masks, plot_objects
from ..tasks import Task, task_of


def browse(cfg: Config, out_dir: Path, number: int, seed: int = 0) -> list[Path]:
    """Draw training images with their truth, and histograms over all; return the pictures' paths.

    Questions and captions have no histograms.

    Args:
        cfg: a complete training config of mmdet, mmseg or mmpretrain.
        out_dir: gets `images.png` and `histograms.png`.
        number: of images to draw, chosen at random.
        seed: of the choice and of the pipeline's augmentations.
    """
    init_default_scope(cfg.get("default_scope", "mmengine"))
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    out_dir.mkdir(parents=True, exist_ok=True)
    images, histograms = out_dir / "images.png", out_dir / "histograms.png"
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    chosen = sorted(random.sample(range(len(dataset)), min(number, len(dataset))))
    samples = [(item["inputs"], item["data_samples"]) for item in (dataset[i] for i in chosen)]
    draw_truths(cfg, dataset.metainfo, samples, images)
    if not task_of(cfg).has_classes:
        return [images]
    classes = dataset.metainfo["classes"]
    if task_of(cfg) is Task.SEMANTIC_SEGMENTATION:
        plot_masks(_pixel_counts(dataset, len(classes)), classes, histograms)
    else:
        plot_objects(*_objects(dataset), classes, histograms)
    return [images, histograms]


def _objects(dataset: BaseDataset) -> tuple[np.ndarray, np.ndarray]:
    """Class and size, the root of the area in pixels, of every box, or of classified images."""
    labels, sizes = [], []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        if "gt_label" in info:
            if "img_path" in info:
                width, height = image_size(Path(info["img_path"]))
            else:  # CIFAR's and MNIST's images are in no files of their own
                height, width = info["img"].shape[:2]
            sizes.append((width * height) ** 0.5)
            labels.append(info["gt_label"])
        for instance in info.get("instances", ()):
            if instance.get("ignore_flag"):  # crowds and difficult objects
                continue
            left, top, right, bottom = instance["bbox"]
            labels.append(instance["bbox_label"])
            sizes.append(max(0.0, (right - left) * (bottom - top)) ** 0.5)
    return np.array(labels, int), np.array(sizes)


def _pixel_counts(dataset: BaseDataset, classes: int) -> np.ndarray:
    """(images, classes): the pixels of every class, as mmseg reads the masks."""
    load = TRANSFORMS.build({"type": "LoadAnnotations"})
    masks = (load(dataset.get_data_info(i))["gt_seg_map"] for i in range(len(dataset)))
    return np.array([np.bincount(mask.ravel(), minlength=256)[:classes] for mask in masks])
