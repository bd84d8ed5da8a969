"""From a config and the tools' options to a run: everything that can be wrong is found out first.

Nothing is written, not even the work dir, before the config, the data and the weights have been
read and the model has been built once.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import mmengine.config.utils
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from torch import nn

from ..backbones.checkpoint_files import read_checkpoint
from ..backbones.msa_vgg import MSAVGG
from ..backbones.pretrained import load_pretrained
from ..data.checks import check_detection_data
from ..data.layouts import DetectionData, find_detection_data
from ..data.splits import make_val_split
from .config_edits import set_detection_data
from .dry_run import dry_run

# mmengine takes the official distribution's name for mmseg, and would call pip to install it.
mmengine.config.utils.MODULE2PACKAGE["mmseg"] = "mmseg"


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the program with one line instead of a traceback when its input is at fault."""
    try:
        yield
    except (ValueError, TypeError, KeyError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")


def load_config(path: str, work_dir: str | None = None) -> Config:
    """Read a config; the work dir is the argument, else the config's, else by the config's name."""
    # A checkpoint may come from anywhere: tensors and plain data only, in all that follows.
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    cfg = Config.fromfile(path)
    cfg.work_dir = work_dir or cfg.get("work_dir") or f"work_dirs/{Path(path).stem}"
    return cfg


def use_data(cfg: Config, root: str, classes: Sequence[str] | None = None) -> DetectionData:
    """Find and check the data in `root`, point the config at it and print what was decided.

    `write_index(data, index_dir(cfg))` has to follow before training.
    """
    data = find_detection_data(root, classes)
    warnings = check_detection_data(data)
    data = make_val_split(data)
    set_detection_data(cfg, data, index_dir(cfg))
    print(f"Data from {data.root}")
    for line in data.notes:
        print(f"  {line}")
    for line in warnings:
        print(f"  warning: {line}")
    return data


def index_dir(cfg: Config) -> Path:
    """Where the annotation files made from the user's data go."""
    return Path(cfg.work_dir).absolute() / "data"


def rehearse(cfg: Config) -> nn.Module:
    """Build the model, and load its backbone's weights where the backbone is ours.

    Raises what the parts raise, before a run writes anything.
    """
    init_default_scope(cfg.get("default_scope", "mmengine"))
    model = MODELS.build(cfg.model)
    backbone = getattr(model, "backbone", None)
    init_cfg = getattr(backbone, "init_cfg", None)
    if isinstance(backbone, MSAVGG) and isinstance(init_cfg, dict):
        load_pretrained(backbone, init_cfg["checkpoint"], init_cfg.get("prefix"))
    return model


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
                f"checkpoint {path}: {name} has shape {tuple(tensors[name].shape)}, the config's "
                f"model {tuple(tensor.shape)}: give the config and the data it was trained with"
            )
    trained = checkpoint.get("meta", {}).get("dataset_meta", {}).get("classes")
    if classes is not None and trained is not None and tuple(trained) != tuple(classes):
        raise ValueError(
            f"checkpoint {path} was trained on the classes {', '.join(trained)}; the data has "
            f"{', '.join(classes)}: give --classes in the checkpoint's order"
        )


def dry_run_report(cfg: Config) -> str:
    """The report of a dry run; its picture goes into the work dir."""
    out_file = Path(cfg.work_dir) / "dry_run.png"
    out_file.parent.mkdir(parents=True, exist_ok=True)
    return dry_run(cfg, out_file)
