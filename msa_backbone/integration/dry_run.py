"""What a training run will look like, without training: first batch, speed, memory, total time."""

import resource
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, VISUALIZERS
from mmengine.runner import Runner

from ..visualization.pictures import save_grid

WARMUP_ITERS = 1
TIMED_ITERS = 4


def dry_run(cfg: Config, out_file: Path) -> str:
    """Time a few iterations of a throw-away model and draw the first batch after the pipeline.

    Args:
        cfg: a complete training config.
        out_file: PNG of the first batch, with its boxes or masks.

    Returns:
        The report: classes, picture, seconds per iteration, peak memory and expected total time.
    """
    torch.manual_seed(0)
    # The loading report has been shown; mmengine's line per parameter would bury this one.
    MMLogger.get_current_instance().setLevel("ERROR")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.to(device).train()
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    optim_wrapper.initialize_count_status(model, 0, WARMUP_ITERS + TIMED_ITERS)

    batches = iter(loader)
    first = next(batches)
    save_batch(cfg, first, loader.dataset.metainfo, out_file)
    times, batch = [], first
    for _ in range(WARMUP_ITERS + TIMED_ITERS):
        start = time.perf_counter()
        model.train_step(batch, optim_wrapper)
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
        batch = next(batches, first)
    seconds = float(np.median(times[WARMUP_ITERS:]))

    model.eval()
    val_loader = Runner.build_dataloader(cfg.val_dataloader, seed=0)
    start = time.perf_counter()
    model.val_step(next(iter(val_loader)))
    val_seconds = time.perf_counter() - start

    if cfg.train_cfg.get("by_epoch", cfg.train_cfg.get("type") == "EpochBasedTrainLoop"):
        epochs = cfg.train_cfg.max_epochs
        iters, validations = epochs * len(loader), epochs // cfg.train_cfg.get("val_interval", 1)
    else:
        iters = cfg.train_cfg.max_iters
        validations = iters // cfg.train_cfg.get("val_interval", 1000)
    total = iters * seconds + validations * len(val_loader) * val_seconds
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**30
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    classes = loader.dataset.metainfo["classes"]
    return "\n".join(
        [
            "Dry run: nothing was trained.",
            f"  classes ({len(classes)}): {', '.join(classes)}",
            f"  images: {len(loader.dataset)} train, {len(val_loader.dataset)} val",
            f"  first batch after the pipeline: {out_file}",
            f"  time per iteration: {seconds:.2f} s (batch {len(first['inputs'])}, {device})",
            f"  peak memory: {peak:.1f} GiB",
            f"  expected in total: {timedelta(seconds=round(total))} "
            f"for {iters} iterations and {validations} validations",
        ]
    )


def save_batch(cfg: Config, batch: dict, metainfo: dict, out_file: Path) -> None:
    """Draw the images of a collated training batch with their ground truth."""
    visualizer = VISUALIZERS.build(dict(cfg.visualizer, name="dry_run", vis_backends=None))
    visualizer.dataset_meta = metainfo
    pictures = []
    for image, sample in zip(batch["inputs"], batch["data_samples"], strict=True):
        picture = image.permute(1, 2, 0).numpy()[..., ::-1].astype(np.uint8)  # loaded as BGR
        boxes = sample.gt_instances.bboxes if "gt_instances" in sample else None
        if hasattr(boxes, "tensor"):  # mmdet's box type, which its visualizer does not take
            sample.gt_instances.bboxes = boxes.tensor
        visualizer.add_datasample("batch", np.ascontiguousarray(picture), sample, draw_pred=False)
        pictures.append(visualizer.get_image())
    save_grid(pictures, out_file, columns=min(len(pictures), 4))
