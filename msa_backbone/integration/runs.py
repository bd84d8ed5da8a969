"""From a config and the tools' options to a run: everything that can be wrong is found out first.

Nothing is written, not even the work dir, before the config, the data and the weights have been
read and the model has been built once.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import mmengine.config.utils
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import find_latest_checkpoint
from torch import nn

from ..backbones.checkpoint_files import (
    load_tensors_only_from_now_on,
    read_checkpoint,
    read_state_dict,
)
from ..backbones.pretrained import pretrained_cfgs
from .config_edits import set_seed, walk

# mmengine takes the official distribution's name for mmseg, and would call pip to install it.
mmengine.config.utils.MODULE2PACKAGE["mmseg"] = "mmseg"

CONFIG_ERRORS = (AssertionError, AttributeError, ImportError, LookupError, SyntaxError, TypeError)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the program with one line instead of a traceback when its input is at fault."""
    try:
        yield
    except (ValueError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")


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
    """Read a config and settle its work dir: from `options`, `work_dir`, the config or its name.

    Args:
        options: --cfg-options; most wait for `apply_options`, after the tool's other options.
        default_folder: where in the config's own work dir to go by default.
    """
    load_tensors_only_from_now_on()  # a checkpoint may come from anywhere
    with config_at_fault(f"config {path} cannot be read"):
        cfg = Config.fromfile(path)
    own = Path(cfg.get("work_dir") or f"work_dirs/{Path(path).stem}", default_folder)
    cfg.work_dir = str(options.get("work_dir") or work_dir or own)
    # Processes are joined before anything else.
    apply_options(cfg, {key: options[key] for key in options if key.startswith("env_cfg")})
    return cfg


def apply_options(cfg: Config, options: Mapping[str, object]) -> None:
    """Change the settings that --cfg-options names."""
    for key, value in options.items():
        with config_at_fault(f"--cfg-options {key}={value} does not fit the config"):
            cfg.merge_from_dict({key: value})


def resume(cfg: Config, checkpoint: str | None = None) -> None:
    """Let training go on from `checkpoint`, by default from the newest in the work dir, if any.

    Without a seed in the config, that of the interrupted run is used again.

    Raises:
        ValueError: for a file that is no training's checkpoint.
    """
    if checkpoint is None:
        checkpoint = newest_checkpoint(cfg.work_dir)
        if checkpoint is None:
            print(f"Nothing to resume in {cfg.work_dir}: starting from the beginning")
            return
    meta = read_checkpoint(checkpoint).get("meta", {})
    if not {"epoch", "iter"} <= meta.keys():
        raise ValueError(
            f"--resume {checkpoint}: it holds no state of a training, only weights: start from "
            f"them with --cfg-options load_from={checkpoint}"
        )
    cfg.resume = True
    cfg.load_from = checkpoint
    if (cfg.get("randomness") or {}).get("seed") is None and meta.get("seed") is not None:
        set_seed(cfg, meta["seed"])


def newest_checkpoint(work_dir: str) -> str | None:
    """The checkpoint that a work dir names as its last, also after it was moved or copied."""
    checkpoint = find_latest_checkpoint(work_dir)
    if checkpoint is None:
        return None
    moved = Path(work_dir, Path(checkpoint).name)
    return str(moved) if moved.is_file() else checkpoint


def rehearse(cfg: Config, loaders: Sequence[str]) -> nn.Module:
    """Build the model, look for the data's files, and read the weights that the model starts from.

    Args:
        loaders: the dataloaders whose files have to exist; none after `use_data`, which read them.

    Raises:
        ValueError, OSError: what is wrong, before a run writes anything.
    """
    init_default_scope(cfg.get("default_scope", "mmengine"))
    with config_at_fault("the config's model cannot be built"):
        if cfg.get("data_preprocessor"):  # beside the model, as in mmpretrain's configs
            cfg.model.setdefault("data_preprocessor", cfg.data_preprocessor)
        model = MODELS.build(cfg.model)
    for name in loaders:
        check_data_files(cfg.get(name) or {}, name)
    for module in model.modules():
        if hasattr(module, "load_configured_weights"):
            module.load_configured_weights()
            continue
        for init_cfg in pretrained_cfgs(getattr(module, "init_cfg", None)):
            read_checkpoint(init_cfg["checkpoint"])
    if cfg.get("load_from"):
        tensors = read_state_dict(cfg.load_from)
        if not tensors.keys() & model.state_dict().keys():
            raise ValueError(
                f"checkpoint {cfg.load_from} matches no key of the model: it has names like "
                f"'{next(iter(tensors))}', the model has '{next(iter(model.state_dict()))}'"
            )
    return model


def check_data_files(
    loader: dict, name: str, way_out: str = "give your own folder with --data ROOT"
) -> None:
    """Refuse a dataloader that reads an annotation file or image folder that does not exist."""

    def check(node: dict) -> None:
        root, folders = node.get("data_root") or "", node.get("data_prefix") or {}
        folders = folders.values() if isinstance(folders, dict) else [folders]
        for named in filter(None, (node.get("ann_file"), *folders)):
            path = Path(root, named)
            if "://" not in f"{root}{named}" and not path.exists():  # a bucket is not looked into
                raise ValueError(
                    f"{path} does not exist, and the config's {name} reads it: put the data "
                    f"there, or {way_out}"
                )

    walk(loader.get("dataset"), check)


def check_checkpoint(model: nn.Module, path: str, classes: Sequence[str] | None) -> None:
    """Refuse a checkpoint that does not belong to the model or to the classes.

    Raises:
        ValueError: naming the first tensor that differs, or the classes.
    """
    checkpoint = read_checkpoint(path)
    tensors = checkpoint.get("state_dict", checkpoint)
    own = model.state_dict()
    for name, tensor in own.items():
        if name not in tensors:
            raise ValueError(f"checkpoint {path} lacks {name}: it belongs to another config")
        if tensors[name].shape != tensor.shape:
            raise ValueError(
                f"checkpoint {path}: {name} has shape {tuple(tensors[name].shape)} in the file and "
                f"{tuple(tensor.shape)} in the model: give the config and the data of its training"
            )
    trained = checkpoint.get("meta", {}).get("dataset_meta", {}).get("classes")
    if classes is not None and trained is not None and tuple(trained) != tuple(classes):
        raise ValueError(
            f"checkpoint {path} was trained on the classes {', '.join(trained)}; the data has "
            f"{', '.join(classes)}: they must be the same, in the same order"
        )
