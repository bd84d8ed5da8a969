"""Everything that can be wrong with a run is found out first.

Nothing is written, not even the work dir, before the config, the data and the weights have been
read and the model has been built once.
"""

from collections.abc import Sequence
from inspect import signature
from pathlib import Path

from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.registry import DATASETS, HOOKS, METRICS, MODELS, init_default_scope
from torch import nn

from ..backbones.vgg_weights import pretrained_cfgs
from ..config_nodes import find_nodes, walk
from ..files.checkpoints import read_checkpoint, read_state_dict
from .load import config_at_fault
from .modalities.check import check_modalities
from .trained_input import check_input


def rehearse(cfg: Config, loaders: Sequence[str]) -> nn.Module:
    """Build the model, look for the data's files, and read the weights that the model starts from.

    Args:
        loaders: the dataloaders whose files have to exist; none after `use_data`, which read them.

    Raises:
        ValueError, OSError: what is wrong, before a run writes anything.
    """
    check_modalities(cfg)
    init_default_scope(cfg.get("default_scope", "mmengine"))
    with config_at_fault("the config's model cannot be built"):
        if cfg.get("data_preprocessor"):  # beside the model, as in mmpretrain's configs
            cfg.model.setdefault("data_preprocessor", cfg.data_preprocessor)
        model = MODELS.build(cfg.model)
    for name in loaders:
        check_data_files(cfg, name)
    for module in model.modules():
        if hasattr(module, "load_configured_weights"):
            module.load_configured_weights()
            continue
        for init_cfg in pretrained_cfgs(getattr(module, "init_cfg", None)):
            check_pretrained(module, init_cfg["checkpoint"], init_cfg.get("prefix"))
    if cfg.get("load_from"):
        tensors = read_state_dict(cfg.load_from)
        if not tensors.keys() & model.state_dict().keys():
            raise ValueError(
                f"checkpoint {cfg.load_from} matches no key of the model: it has names like "
                f"'{next(iter(tensors))}', the model has '{next(iter(model.state_dict()))}'"
            )
    return model


def check_hooks(cfg: Config, model: nn.Module) -> None:
    """Let the config's own hooks say whether they fit, those that have a `check`.

    Raises:
        ValueError: what does not fit.
    """
    for hook in cfg.get("custom_hooks") or ():
        cls = HOOKS.get(hook["type"]) if isinstance(hook["type"], str) else hook["type"]
        if hasattr(cls, "check"):
            HOOKS.build(hook).check(model, cfg.train_cfg)


def check_metrics(cfg: Config, evaluator: str) -> None:
    """Refuse metrics of an evaluator, 'val_evaluator' or 'test_evaluator', that lack a package.

    Others are not built: they read annotations, which may not be written yet.

    Raises:
        ValueError: with the mend.
    """
    init_default_scope(cfg.get("default_scope", "mmengine"))
    for metric in find_nodes(cfg.get(evaluator), "CaptionScores"):
        METRICS.build(metric)


def check_pretrained(module: nn.Module, source: str, prefix: str | None) -> None:
    """Refuse weights of which mmengine would load nothing, with no more than a warning.

    Modules that convert names of other origins when they load are left to themselves.

    Raises:
        ValueError: naming the prefix to give, where the file has the names behind one.
    """
    names = {name.removeprefix("module.") for name in read_state_dict(source)}
    start = f"{prefix.rstrip('.')}." if prefix else ""
    wanted = module.state_dict().keys()
    converts = type(module).init_weights is not BaseModule.init_weights
    if converts or any(start + name in names for name in wanted):
        return
    first = next(iter(wanted))
    behind = [name.removesuffix(first) for name in names if name.endswith(f".{first}")]
    mend = "give weights of this network"
    if behind:
        mend = f"the file has them behind '{behind[0]}', give init_cfg=dict(..., prefix=...)"
    raise ValueError(
        f"weights {source} match no key of {type(module).__name__}, which has names like "
        f"'{start}{first}': {mend}"
    )


def check_data_files(
    cfg: Config, name: str, way_out: str = "give your own folder with --data ROOT"
) -> None:
    """Refuse a dataloader that reads an annotation file or image folder that does not exist.

    Data sets that download themselves, as mmpretrain's CIFAR10 does, need neither.
    """
    init_default_scope(cfg.get("default_scope", "mmengine"))

    def check(node: dict) -> None:
        root, folders = node.get("data_root") or "", node.get("data_prefix") or {}
        folders = folders.values() if isinstance(folders, dict) else [folders]
        named_files = [named for named in (node.get("ann_file"), *folders) if named]
        for named in named_files or ([""] if root else []):  # or all is found below the root
            path = Path(root, named)
            is_local = "://" not in f"{root}{named}"  # a bucket is not looked into
            if is_local and not path.exists() and not _downloads(node):
                missing = [str(folder) for folder in path.parents if not folder.exists()]
                raise ValueError(
                    f"{path} does not exist, and the config's {name} reads it: put the data "
                    f"there, or {way_out}"
                    + (f"; the folder {missing[-1]} is missing" if missing else "")
                )

    walk((cfg.get(name) or {}).get("dataset"), check)


def _downloads(node: dict) -> bool:
    """Whether a dataset gets its files itself where they are missing."""
    cls = node.get("type")
    if isinstance(cls, str):
        with DATASETS.switch_scope_and_registry(None) as registry:  # of the config's toolbox
            cls = registry.get(cls)
    option = cls and signature(cls).parameters.get("download")
    return bool(option and node.get("download", option.default))


def check_checkpoint(
    model: nn.Module, cfg: Config, path: str, classes: Sequence[str] | None
) -> None:
    """Raise ValueError for a checkpoint of another model (naming a tensor), input or classes."""
    checkpoint = read_checkpoint(path)
    tensors = checkpoint.get("state_dict", checkpoint)
    for name, tensor in model.state_dict().items():
        if name not in tensors:
            raise ValueError(f"checkpoint {path} lacks {name}: it belongs to another config")
        if tensors[name].shape != tensor.shape:
            raise ValueError(
                f"checkpoint {path}: {name} has shape {tuple(tensors[name].shape)} in the file and "
                f"{tuple(tensor.shape)} in the model: give the config and the data of its training"
            )
    check_input(cfg, path, checkpoint.get("meta", {}).get("cfg"))
    trained = checkpoint.get("meta", {}).get("dataset_meta", {}).get("classes")
    if classes is not None and trained is not None and tuple(trained) != tuple(classes):
        raise ValueError(
            f"checkpoint {path} was trained on the classes {', '.join(trained)}; the data has "
            f"{', '.join(classes)}: they must be the same, in the same order"
        )
