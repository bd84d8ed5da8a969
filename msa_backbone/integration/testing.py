"""A config made ready to test a checkpoint, as tools/test.py and tools/visualize.py do it."""

from collections.abc import Mapping, Sequence

from mmengine.config import Config

from . import config_edits, runs, segmentation_edits, user_data


def prepare_testing(
    cfg: Config,
    checkpoint: str,
    *,
    data: str | None = None,
    classes: Sequence[str] | None = None,
    seed: int | None = None,
    slide: int | None = None,
    tta: bool = False,
    options: Mapping[str, object] | None = None,
) -> None:
    """Put a test's options into its config, and find out whether it can start.

    Args:
        cfg: from `runs.load_config`; changed in place.
        checkpoint: of a training with this config.
        data: a folder that replaces the config's data.
        classes: of `data`.
        seed: of everything random.
        slide: side of sliding windows, 0 for the training's crop; None predicts whole images.
        tta: average over mirror images.
        options: settings by dotted name, applied after the others.

    Raises:
        ValueError, OSError: what is wrong, before anything is written.
    """
    found = user_data.use_data(cfg, data, classes) if data else None
    if slide is not None:
        print(segmentation_edits.set_sliding_window(cfg, slide))
    if seed is not None:
        config_edits.set_seed(cfg, seed)
    cfg.load_from = checkpoint
    runs.apply_options(cfg, options or {})
    config_edits.fit_processes(cfg)
    config_edits.add_report(cfg)
    # The checkpoint brings every weight: no pretrained file is needed.
    config_edits.drop_pretrained(cfg)
    model = runs.rehearse(cfg, () if found else ("test_dataloader",))
    runs.check_checkpoint(model, checkpoint, found.classes if found else None)
    if tta:
        print(segmentation_edits.set_flip_augmentation(cfg))
    if found is not None:
        user_data.write_index(cfg, found, testing=True)
