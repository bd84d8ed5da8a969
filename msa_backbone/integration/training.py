"""A config made ready to train, as tools/train.py and the ablation do it."""

from collections.abc import Mapping, Sequence

from mmengine.config import Config

from . import config_edits, runs, user_data


def prepare_training(
    cfg: Config,
    *,
    data: str | None = None,
    classes: Sequence[str] | None = None,
    weights: str | None = None,
    amp: bool = False,
    auto_scale_lr: bool = False,
    seed: int | None = None,
    options: Mapping[str, object] | None = None,
    resume: str | None = None,
) -> None:
    """Put a training's options into its config, and find out whether it can start.

    Args:
        cfg: from `runs.load_config`; changed in place.
        data: a folder that replaces the config's data.
        classes: of `data`.
        weights: what the backbone starts from.
        amp: mixed precision.
        auto_scale_lr: scale the learning rate with the batch size.
        seed: of everything random.
        options: settings by dotted name, applied after the others.
        resume: a checkpoint to go on from, or 'auto' for the newest in the work dir.

    Raises:
        ValueError, OSError: what is wrong, before anything is written.
    """
    found = user_data.use_data(cfg, data, classes) if data else None
    if weights:
        print(config_edits.set_backbone_weights(cfg, weights))
    if amp:
        print(config_edits.set_mixed_precision(cfg))
    if auto_scale_lr:
        config_edits.enable_auto_scale_lr(cfg)
    if seed is not None:
        config_edits.set_seed(cfg, seed)
    runs.apply_options(cfg, options or {})
    if resume or (cfg.get("resume") and not cfg.get("load_from")):
        runs.resume(cfg, None if resume in (None, "auto") else resume)
    config_edits.fit_processes(cfg)
    config_edits.make_resumable(cfg)
    config_edits.add_report(cfg)
    runs.rehearse(cfg, () if found else ("train_dataloader", "val_dataloader"))
    if found is not None:
        user_data.write_index(cfg, found)
