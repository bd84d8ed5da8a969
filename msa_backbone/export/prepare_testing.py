"""A config made ready to test an exported file, as `training/prepare.py` does for a checkpoint."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config

from ..config.language.words import compare_answers
from ..config.rehearse import rehearse
from ..config.user_data import UserData
from ..config_nodes import innermost, type_name
from ..errors import DataError
from ..tasks import task_of
from ..training.prepare import prepare_test_run
from .exported_model import ExportedForRunner
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

    def put_model(found: UserData | None) -> list[str]:
        if found and task.has_classes:
            check_classes(file, info.classes, found.data.classes)
        lines = compare_answers(cfg, info.classes, file, found.data if found else None)
        use_exported(cfg, file)
        rehearse(cfg, () if found else ("test_dataloader",))
        return lines

    return prepare_test_run(cfg, put_model, data, classes, seed, options or {})


def check_classes(file: str, exported: Sequence[str], given: Sequence[str]) -> None:
    """Raise DataError if a file and the data differ in their classes."""
    if tuple(exported) != tuple(given):
        raise DataError(
            f"{file} knows the classes {', '.join(exported)}; the data has {', '.join(given)}: "
            "they must be the same, in the same order"
        )


def use_exported(cfg: Config, file: str) -> None:
    """Let a config's tests run a file: pictures come as they are, whatever their sizes."""
    cfg.model = {"type": ExportedForRunner.__name__, "file": str(Path(file).absolute())}
    cfg.load_from = None
    cfg.pop("data_preprocessor", None)  # mmpretrain's, beside the model
    for dataset in innermost(cfg.test_dataloader.dataset):
        dataset.pipeline = [s for s in dataset.pipeline if type_name(s) not in RESIZING]
    cfg.test_dataloader.collate_fn = {"type": "pseudo_collate"}
