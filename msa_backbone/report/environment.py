"""The facts of a run for its report: checkpoint, model and data, and the environments it saw."""

import re
from pathlib import Path

from mmengine.config import Config
from mmengine.utils.dl_utils import collect_env

from ..backbones.vgg_weights import WEIGHTS_KEY, pretrained_cfgs
from ..files.checkpoints import read_checkpoint
from ..inference.predictor import Predictor
from ..tasks import Task
from ..version import __version__
from .run_files import RunFiles

LEFT_OUT = ("PyTorch compiling details", "NVCC", "MUSA available", "numpy_random_seed")

BLOCK = r"System environment:\n(.*?)\n(?:\nRuntime environment|-{20})"
DATE = r"^(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)\d\d$"


def summary(run: RunFiles, predictor: Predictor, images: int) -> list[tuple[str, str]]:
    """The checkpoint, the model and the data, as name and value.

    Args:
        run: its files.
        predictor: the model.
        images: how many were validated.
    """
    checkpoint = read_checkpoint(str(run.checkpoint))
    meta = checkpoint.get("meta", {})
    trained = [
        f"{meta[key]} {word}"
        for key, word in (("epoch", "epochs"), ("iter", "iterations"))
        if meta.get(key)
    ]
    backbone = predictor.model.backbone  # none, of a model that only reads
    parameters = sum(p.numel() for p in predictor.model.parameters())
    kinds = sorted({type(module).__name__ for module in predictor.attentions.values()})
    facts = {
        "model": f"{type(predictor.model).__name__}, {parameters / 1e6:.2f} M parameters",
        "backbone": "none" if backbone is None else type(backbone).__name__,
        "attention": f"{', '.join(kinds)} at {', '.join(predictor.attentions)}"
        if kinds
        else "none",
        "started from": start_of_training(checkpoint, Config.fromfile(run.config)),
        "checkpoint": run.checkpoint.name,
        "trained for": ", ".join(trained) or "unknown",
        "saved": re.sub(DATE, r"\1-\2-\3 \4:\5", str(meta.get("time", "unknown"))),
        "seed": str(meta.get("seed", "unknown")),
        "validation images": f"{images:,}",
    }
    if predictor.classes:
        name = "answers" if predictor.task is Task.QUESTIONS else "classes"
        facts[name] = f"{len(predictor.classes)}"
    return list(facts.items())


def start_of_training(checkpoint: dict, cfg: Config) -> str:
    """The weights that the training of a checkpoint began with.

    MSAVGG leaves a line on what it loaded, attention included or not; of other backbones the
    config's file is all that is known.
    """
    if cfg.get("load_from") and not cfg.get("resume"):
        return f"{cfg.load_from}, the whole model"
    loaded = checkpoint.get("message_hub", {}).get("runtime_info", {}).get(WEIGHTS_KEY)
    if loaded:
        return str(loaded)
    backbone = cfg.model.get("backbone") or {}  # none, of a model that only reads
    named = [init["checkpoint"] for init in pretrained_cfgs(backbone.get("init_cfg"))]
    named += [cfg.model["pretrained"]] if cfg.model.get("pretrained") else []
    return f"{', '.join(named)}, what was taken is not recorded" if named else "random weights"


def environments(work_dir: Path) -> list[tuple[str, str, str]]:
    """Name, value while training and value now, of everything that the environment has."""
    now = {name: str(value) for name, value in collect_env().items()}
    now["msa_backbone"] = __version__
    then = training_environment(work_dir)
    names = [name for name in {**now, **then} if name not in LEFT_OUT]
    return [(name, then.get(name, "-"), now.get(name, "-")) for name in names]


def training_environment(work_dir: Path) -> dict[str, str]:
    """What the log of the newest training says of its environment; empty without a log."""
    for log in sorted(work_dir.glob("*/*.log"), reverse=True):
        text = log.read_text(encoding="utf-8", errors="replace")
        block = re.search(BLOCK, text, re.DOTALL)
        if block:
            pairs = re.findall(r"^ {4}([^\s:][^:\n]*): (.*)$", block.group(1), re.MULTILINE)
            return {name: value.strip() for name, value in pairs}
    return {}
