"""Reading a config."""

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import mmengine.config.utils
from mmengine.config import Config

from ..tasks import Task
from .shipped import find_config

# mmengine takes the official distribution's name for mmseg, and would call pip to install it.
mmengine.config.utils.MODULE2PACKAGE["mmseg"] = "mmseg"

CONFIG_ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError),
    *(SyntaxError, TypeError, mmengine.config.utils.ConfigParsingError),
)

TOOLBOXES = tuple(sorted({task.toolbox for task in Task}))

LEFT_BY_TRAINING = ("last_checkpoint", "curves.png")


@contextmanager
def config_at_fault(what: str) -> Iterator[None]:
    """What OpenMMLab raises for a config's mistakes becomes a ValueError."""
    try:
        yield
    except CONFIG_ERRORS as error:
        text = error.args[0] if error.args else type(error).__name__
        raise ValueError(f"{what}: {text}") from error


def load_config(
    path: str, work_dir: str | None, options: Mapping[str, object], default_folder: str = ""
) -> Config:
    """Read a config and settle its work dir.

    It is that of `options` or `work_dir`. A config that lies in a training's work dir stays there,
    also where that was moved. Otherwise it is the config's own, or one by its name.

    Args:
        path: a file, or the name of one of the project's configs, see `shipped.find_config`.
        options: --cfg-options; most wait for `apply_options`, after the tool's other options.
        default_folder: where to go in a training's work dir, whose own results stay as they are.
    """
    from ..files.checkpoints import load_tensors_only_from_now_on  # imports torch

    load_tensors_only_from_now_on()  # a checkpoint may come from anywhere
    path = find_config(path)
    with config_at_fault(f"config {path} cannot be read"):
        cfg = Config.fromfile(path)
    with config_at_fault(f"{cfg.get('default_scope')} cannot be imported"):
        import_toolbox(cfg.get("default_scope"))
    chosen = options.get("work_dir") or work_dir
    beside = Path(path).parent
    own = cfg.get("work_dir")  # a config that a training leaves always has one
    if own and _left_by_training(beside):
        own = beside
    folder = Path(chosen or own or f"work_dirs/{Path(path).stem}")
    if not chosen or _left_by_training(folder):
        folder = folder / default_folder
    cfg.work_dir = str(folder)
    # Processes are joined before anything else.
    apply_options(cfg, {key: options[key] for key in options if key.startswith("env_cfg")})
    return cfg


def _left_by_training(folder: Path) -> bool:
    return any((folder / name).exists() for name in LEFT_BY_TRAINING)


def import_toolbox(scope: str | None) -> None:
    """Import all of mmdet, mmseg or mmpretrain without a word: they tell what else is not there."""
    if scope not in TOOLBOXES or not find_spec(scope):
        return  # building the model will say what is missing
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module(f"{scope}.utils").register_all_modules(init_default_scope=False)


def apply_options(cfg: Config, options: Mapping[str, object]) -> None:
    """Change the settings that --cfg-options names, but for the work dir: that is settled."""
    for key, value in options.items():
        if key == "work_dir":
            continue
        with config_at_fault(f"--cfg-options {key}={value} does not fit the config"):
            cfg.merge_from_dict({key: value})
