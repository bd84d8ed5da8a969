"""A config made ready to test an exported file, as `training/prepare.py` does for a checkpoint."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config

from ..config.load import apply_options
from ..config.moved_work_dir import follow_index
from ..config.options import add_report, set_seed
from ..config.rehearse import rehearse
from ..config.user_data import use_data
from ..config_nodes import innermost, type_name
from ..errors import DataError
from ..tasks import task_of
from .exported_model import ExportedModel
from .picture_steps import RESIZING
from .runtime.predictor import RuntimePredictor


def prepare_exported_testing(
    cfg: Config,
    file: str,
    *,
    data: str | None = None,
    classes: Sequence[str] | None = None,
    seed: int | None = None,
    options: Mapping[str, object] | None = None,
) -> list[str]:
    """Put a test's options into its config, and find out whether it can start.

    Args:
        cfg, data, classes, seed, options: as in `training.prepare.prepare_training`.
        file: from tools/export.py.

    Returns:
        Lines for the user.

    Raises:
        ValueError, OSError: what is wrong, before anything is written.
    """
    info = RuntimePredictor(file).info
    task = task_of(cfg)
    if task.title != info.task:
        raise DataError(
            f"{file} is for {info.task}, the config for {task.title}: give the config that it was "
            f"exported with, {info.config}"
        )
    found = use_data(cfg, data, classes) if data else None
    lines = list(found.lines) if found else follow_index(cfg)
    if found:
        found.require_labels()
        check_classes(file, info.classes, found.data.classes)
    if seed is not None:
        set_seed(cfg, seed)
    apply_options(cfg, options or {})
    add_report(cfg)
    use_exported(cfg, file)
    rehearse(cfg, () if found else ("test_dataloader",))
    if found:
        found.write_index(testing=True)
    return lines


def check_classes(file: str, exported: Sequence[str], given: Sequence[str]) -> None:
    """Raise DataError if a file and the data differ in their classes."""
    if tuple(exported) != tuple(given):
        raise DataError(
            f"{file} knows the classes {', '.join(exported)}; the data has {', '.join(given)}: "
            "they must be the same, in the same order"
        )


def use_exported(cfg: Config, file: str) -> None:
    """Let a config's tests run a file: pictures come as they are, whatever their sizes."""
    cfg.model = {"type": ExportedModel.__name__, "file": str(Path(file).absolute())}
    cfg.load_from = None
    cfg.pop("data_preprocessor", None)  # mmpretrain's, beside the model
    for dataset in innermost(cfg.test_dataloader.dataset):
        dataset.pipeline = [s for s in dataset.pipeline if type_name(s) not in RESIZING]
    cfg.test_dataloader.collate_fn = {"type": "pseudo_collate"}
