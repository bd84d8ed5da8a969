"""What a training run will look like, without training: first batch, speed, memory, total time."""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS
from mmengine.runner import Runner

from ..config_nodes import type_name
from ..plots.data_samples import draw_truths

WARMUP_ITERS = 1
TIMED_ITERS = 4


def dry_run(cfg: Config) -> str:
    """Time a few iterations of a throw-away model, and report on them for the user.

    The first batch after the pipeline is drawn, with its truth, as `dry_run.png` in the work dir.
    """
    out_file = Path(cfg.work_dir) / "dry_run.png"
    out_file.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    # The loading report has been shown; mmengine's line per parameter would bury this one.
    MMLogger.get_current_instance().setLevel("ERROR")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.to(device)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    optim_wrapper.initialize_count_status(model, 0, WARMUP_ITERS + TIMED_ITERS)

    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    batches = iter(loader)  # the one and only: an InfiniteSampler does not start again
    first = next(batches)
    samples = list(zip(first["inputs"], first["data_samples"], strict=True))
    draw_truths(cfg, loader.dataset.metainfo, samples, out_file)
    seconds = _seconds_per_batch(
        first, batches, lambda batch: model.train().train_step(batch, optim_wrapper)
    )
    iters, validations = _schedule(cfg, len(loader))
    total, images = iters * seconds, f"{len(loader.dataset)} train"
    if cfg.get("val_dataloader"):
        val_loader = Runner.build_dataloader(cfg.val_dataloader, seed=0)
        model.eval()
        with torch.no_grad():
            val_batches = iter(val_loader)
            seconds_val = _seconds_per_batch(next(val_batches), val_batches, model.val_step)
        total += validations * len(val_loader) * seconds_val
        images += f", {len(val_loader.dataset)} val"
    classes = loader.dataset.metainfo.get("classes")  # none where there are words
    return "\n".join(
        [
            "Dry run: nothing was trained.",
            *([f"  classes ({len(classes)}): {', '.join(classes)}"] if classes else []),
            f"  images: {images}",
            f"  first batch after the pipeline: {out_file}",
            f"  time per iteration: {seconds:.2f} s (batch {len(samples)}, {device})",
            f"  peak memory: {_peak_memory(device)}",
            f"  expected in total: {timedelta(seconds=round(total))} "
            f"for {iters} iterations and {validations} validations",
        ]
    )


def _seconds_per_batch(
    batch: dict, batches: Iterator[dict], step: Callable[[dict], object]
) -> float:
    """Median time of a step on a batch, `batch` at first, and of loading the next one."""
    times = []
    for _ in range(WARMUP_ITERS + TIMED_ITERS):
        start = time.perf_counter()
        step(batch)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        batch = next(batches, batch)
        times.append(time.perf_counter() - start)
    return float(np.median(times[WARMUP_ITERS:]))


def _schedule(cfg: Config, batches: int) -> tuple[int, int]:
    """Iterations and validations of the whole training."""
    loop = cfg.train_cfg
    by_epoch = loop.get("by_epoch", type_name(loop) == "EpochBasedTrainLoop")
    length = loop.max_epochs if by_epoch else loop.max_iters
    interval = loop.get("val_interval", 1 if by_epoch else 1000)
    steps = {*range(interval, length, interval), length} if cfg.get("val_dataloader") else set()
    validations = sum(step >= loop.get("val_begin", 1) for step in steps)
    return (length * batches if by_epoch else length), validations


def _peak_memory(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"
    try:
        import resource
    except ImportError:  # Windows
        return "unknown on this system"
    unit = 2**30 if sys.platform == "darwin" else 2**20  # bytes there, KiB elsewhere
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit:.1f} GiB"
