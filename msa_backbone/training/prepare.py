"""A config made ready to train or to test a checkpoint, as the tools and the ablation do it."""

from collections.abc import Callable, Mapping, Sequence

from mmengine.config import Config

from ..config import load
from ..config.language.words import (
    check_words,
    compare_answers,
    learn_words,
    recall_words,
    store_words,
)
from ..config.modalities.sensors import switch_sensors
from ..config.moved_work_dir import follow_index
from ..config.options import (
    add_report,
    check_precision,
    drop_pretrained,
    enable_auto_scale_lr,
    fit_processes,
    make_resumable,
    resumption_notes,
    schedule_notes,
    set_backbone_weights,
    set_mixed_precision,
    set_seed,
)
from ..config.rehearse import check_checkpoint, check_hooks, check_metrics, rehearse
from ..config.resume import resume as go_on
from ..config.segmentation_testing import set_flip_augmentation, set_sliding_window
from ..config.user_data import UserData, use_data
from .console import sorted_prints


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
) -> list[str]:
    """Put a training's options into its config, and find out whether it can start.

    Args:
        cfg: from `load.load_config`; changed in place.
        data: a folder that replaces the config's data.
        classes: of `data`.
        weights: what the backbone starts from.
        amp: mixed precision.
        auto_scale_lr: scale the learning rate with the batch size.
        seed: of everything random.
        options: settings by dotted name, applied after the others.
        resume: a checkpoint to go on from, or 'auto' for the newest in the work dir.

    Returns:
        What was found and decided, in lines for the user.

    Raises:
        ValueError, OSError: what is wrong, before anything is written.
    """
    load_from = (options or {}).get("load_from", cfg.get("load_from"))
    if weights and (load_from or resume not in (None, "auto")):
        raise ValueError(
            "--weights starts the backbone, and the checkpoint of --resume or of load_from then "
            "replaces the whole model's weights: leave one of them out"
        )
    found = use_data(cfg, data, classes)
    lines = list(found.lines) if found else follow_index(cfg)
    if weights:
        lines.append(set_backbone_weights(cfg, weights))
    if amp:
        lines.append(set_mixed_precision(cfg))
    if auto_scale_lr:
        enable_auto_scale_lr(cfg)
    if seed is not None:
        set_seed(cfg, seed)
    load.apply_options(cfg, options or {})
    check_precision(cfg)
    check_metrics(cfg, "val_evaluator")
    if resume or cfg.get("resume"):
        lines += go_on(cfg, None if resume == "auto" else resume or cfg.get("load_from"))
    fit_processes(cfg)
    make_resumable(cfg)
    add_report(cfg)
    lines += schedule_notes(cfg) + resumption_notes(cfg)
    lines += learn_words(cfg, found.data if found else None)
    with sorted_prints():
        model = rehearse(cfg, () if found else ("train_dataloader", "val_dataloader"))
    check_hooks(cfg, model)
    if cfg.get("load_from"):
        check_words(model, cfg.load_from)
    if found:
        found.write_index()
    store_words(cfg)
    return lines


def prepare_testing(
    cfg: Config,
    checkpoint: str,
    *,
    data: str | None = None,
    classes: Sequence[str] | None = None,
    seed: int | None = None,
    slide: int | None = None,
    tta: bool = False,
    sensors: Sequence[str] | None = None,
    black: Sequence[str] = (),
    options: Mapping[str, object] | None = None,
) -> list[str]:
    """Put a test's options into its config, and find out whether it can start.

    Args:
        cfg, data, classes, seed, options: as in `prepare_training`.
        checkpoint: of a training with this config.
        slide: side of sliding windows, 0 for the training's crop; None predicts whole images.
        tta: average over mirror images.
        sensors, black: of several cameras those that are on, and those whose pictures are black.

    Returns:
        Lines for the user; raises what `prepare_training` raises.
    """
    lines = switch_sensors(cfg, sensors, black)
    if slide is not None:
        lines.append(set_sliding_window(cfg, slide))
    cfg.load_from = checkpoint

    def put_model(found: UserData | None) -> list[str]:
        drop_pretrained(cfg)  # the checkpoint brings every weight
        recall_words(cfg, checkpoint)
        with sorted_prints():
            model = rehearse(cfg, () if found else ("test_dataloader",))
        check_checkpoint(model, cfg, checkpoint, found.data.classes if found else None)
        known = cfg.model.get("answers", ())
        lines = compare_answers(cfg, known, checkpoint, found.data if found else None)
        return [*lines, set_flip_augmentation(cfg)] if tta else lines

    options = options or {}
    return lines + prepare_test_run(cfg, put_model, data, classes, seed, options)


def prepare_test_run(
    cfg: Config,
    put_model: Callable[[UserData | None], list[str]],
    data: str | None,
    classes: Sequence[str] | None,
    seed: int | None,
    options: Mapping[str, object],
) -> list[str]:
    """What every test does, whatever predicts: a checkpoint or an exported file.

    Args:
        cfg, data, classes, seed, options: as in `prepare_training`.
        put_model: settles what predicts, with the config else complete, and checks that it can; it
            gets the data of `data`, and returns lines for the user.

    Returns:
        Lines for the user; raises what `prepare_training` raises.
    """
    found = use_data(cfg, data, classes)
    lines = list(found.lines) if found else follow_index(cfg)
    if found:
        found.require_labels()
    if seed is not None:
        set_seed(cfg, seed)
    load.apply_options(cfg, options)
    check_metrics(cfg, "test_evaluator")
    cfg.resume = False  # the config that a resumed training leaves says True
    fit_processes(cfg)
    add_report(cfg)
    lines += put_model(found)
    if found:
        found.write_index(testing=True)
    store_words(cfg)
    return lines
