"""What a training goes on from."""

from pathlib import Path

from mmengine.config import Config
from mmengine.runner import find_latest_checkpoint

from ..files.checkpoints import read_checkpoint
from .options import set_seed


def resume(cfg: Config, checkpoint: str | None = None) -> list[str]:
    """Let training go on from `checkpoint`, by default from the newest in the work dir, if any.

    Without a seed in the config, that of the interrupted run is used again.

    Returns:
        Lines for the user where there is nothing to resume.

    Raises:
        ValueError: for a file that is no training's checkpoint. The best ones, for instance, hold
            neither the optimizer's state nor the schedules'.
    """
    if checkpoint is None:
        checkpoint = newest_checkpoint(cfg.work_dir)
        if checkpoint is None:
            return [f"Nothing to resume in {cfg.work_dir}: starting from the beginning"]
    content = read_checkpoint(checkpoint)
    meta = content.get("meta", {})
    needed = {"optimizer", *(["param_schedulers"] if cfg.get("param_scheduler") else [])}
    if not ({"epoch", "iter"} <= meta.keys() and needed <= content.keys()):
        raise ValueError(
            f"--resume {checkpoint}: it holds no state of a training, only weights: start from "
            f"them with --cfg-options load_from={checkpoint}"
        )
    cfg.resume, cfg.load_from = True, checkpoint
    if (cfg.get("randomness") or {}).get("seed") is None and meta.get("seed") is not None:
        set_seed(cfg, meta["seed"])
    return []


def newest_checkpoint(work_dir: str) -> str | None:
    """The checkpoint that a work dir names as its last, also after it was moved or copied."""
    checkpoint = find_latest_checkpoint(work_dir)
    if checkpoint is None:
        return None
    moved = Path(work_dir, Path(checkpoint).name)
    return str(moved) if moved.is_file() else checkpoint
