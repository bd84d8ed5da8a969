"""What the tools' options do to an OpenMMLab config, and a note where they leave it unfit."""

import math

import torch
from mmengine.config import Config, ConfigDict
from mmengine.device import get_device

from ..backbones.vgg_weights import pretrained_cfgs
from ..config_nodes import find_nodes, type_name, walk


def set_backbone_weights(cfg: Config, weights: str) -> str:
    """Initialise the backbone, and a VGG box head, from `weights`; say what input they get."""
    pretrained = ConfigDict(type="Pretrained", checkpoint=weights)
    if not cfg.model.get("backbone"):
        raise ValueError("the config's model has no backbone, so --weights has nothing to fill")
    if cfg.model.get("pretrained"):  # mmseg's older way of naming the backbone's weights
        cfg.model.pretrained = None
    cfg.model.backbone.init_cfg = pretrained
    for head in find_nodes(cfg.model, "VGGBBoxHead"):
        head["init_cfg"] = pretrained
    fed = cfg.model.get("data_preprocessor") or cfg.get("data_preprocessor") or {}
    fed = fed.get("modalities", [fed])[0]  # of several modalities the reference's
    order = "RGB" if fed.get("bgr_to_rgb") or fed.get("to_rgb") else "BGR"  # mmpretrain's: to_rgb
    return (
        f"Input to the weights: {order}, mean {fed.get('mean')}, std {fed.get('std')}; check that "
        "they were trained on this (model.data_preprocessor)"
    )


def set_mixed_precision(cfg: Config) -> str:
    """float16 with loss scaling on CUDA, bfloat16 on a CPU that computes in it.

    Other CPUs (x86 without AVX-512) keep float32: their bfloat16 convolutions are unvectorised
    and take minutes where float32 takes seconds. What was decided is returned, for the user.
    """
    if cfg.get("optim_wrapper") is None:
        raise ValueError("--amp changes the config's optim_wrapper, and this one has none")
    if torch.cuda.is_available():
        cfg.optim_wrapper.type = "AmpOptimWrapper"
        cfg.optim_wrapper.loss_scale = "dynamic"
        return "Mixed precision: float16 on CUDA"
    if type_name(cfg.optim_wrapper) == "AmpOptimWrapper":  # for CUDA only
        cfg.optim_wrapper.type = "OptimWrapper"
        for option in ("loss_scale", "dtype"):
            cfg.optim_wrapper.pop(option, None)
    if not cpu_computes_in_bfloat16():
        return "Mixed precision: none, this CPU has no fast bfloat16; computing in float32"
    cfg.optim_wrapper.type = "CPUAmpOptimWrapper"
    return "Mixed precision: bfloat16 on the CPU"


def check_precision(cfg: Config) -> None:
    """Raise ValueError for a config that is made for mixed precision on a GPU, on a CPU."""
    kind = type_name(cfg.get("optim_wrapper") or {})
    if kind == "AmpOptimWrapper" and get_device() == "cpu":
        raise ValueError(
            f"the config's optim_wrapper is {kind}, which needs a GPU: give OptimWrapper, or "
            "--amp, which takes what this CPU is fast at"
        )


def cpu_computes_in_bfloat16() -> bool:
    """Whether torch has vectorised bfloat16 convolutions for this CPU."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def fit_processes(cfg: Config) -> None:
    """Let a launcher's processes on CPUs train one model; mmengine would look for their GPUs.

    SyncBN needs GPUs as well.
    """
    if cfg.get("launcher", "none") == "none" or torch.cuda.is_available():
        return
    wrapper = {
        "type": "MMDistributedDataParallel",
        "broadcast_buffers": False,
        "find_unused_parameters": cfg.get("find_unused_parameters", False),
        **(cfg.get("model_wrapper_cfg") or {}),
    }
    cfg.model_wrapper_cfg = {**wrapper, "device_ids": None}
    unsync_norms(cfg)


def unsync_norms(cfg: Config) -> None:
    """Let every process normalise by its own batch."""
    for norm in find_nodes(cfg.model, "SyncBN", "SyncBatchNorm"):  # by name or as torch's class
        norm["type"] = "BN"


def set_seed(cfg: Config, seed: int) -> None:
    """Fix everything random; the config's other options for it stay."""
    cfg.randomness = {**(cfg.get("randomness") or {}), "seed": seed}


def enable_auto_scale_lr(cfg: Config) -> None:
    """Scale the learning rate with the actual total batch size (linear scaling rule)."""
    if "base_batch_size" not in (cfg.get("auto_scale_lr") or {}):
        needed = "auto_scale_lr=dict(base_batch_size=...)"
        raise ValueError(f"--auto-scale-lr needs {needed} in the config")
    cfg.auto_scale_lr.enable = True


def schedule_notes(cfg: Config) -> list[str]:
    """A note for the user where the learning rate's schedule ends at another time than training.

    mmengine lets a schedule without an end last as long as the training, so that one fits.
    """
    training = cfg.get("train_cfg") or {}
    unit = "max_epochs" if "max_epochs" in training else "max_iters"
    length, given = training.get(unit), cfg.get("param_scheduler") or []
    several = isinstance(given, list | tuple)
    last, where = None, ""
    for number, schedule in enumerate(given if several else [given]):
        in_unit = schedule.get("by_epoch", True) == (unit == "max_epochs")
        warms_up = type_name(schedule) in ("LinearLR", "ConstantLR") and not schedule.get("begin")
        if in_unit and not warms_up and (not last or _end(schedule) > _end(last)):
            last, where = schedule, f"param_scheduler.{number}." if several else "param_scheduler."
    if length is None or not last or _end(last) in (math.inf, length):
        return []
    values = {"end": length, "T_max": length - last.get("begin", 0)}
    mend = " ".join(f"{where}{key}={value}" for key, value in values.items() if key in last)
    return [
        f"Learning rate: its schedule ends at {_end(last)}, the training at {length} ({unit}); for "
        f"a whole schedule: --cfg-options {mend}" + (" and milestones" * ("milestones" in last))
    ]


def _end(schedule: dict) -> float:
    """When a schedule ends; infinity for one that lasts as long as the training."""
    if "end" in schedule:
        return schedule["end"] or math.inf
    return schedule.get("begin", 0) + schedule["T_max"] if "T_max" in schedule else math.inf


def drop_pretrained(cfg: Config) -> None:
    """Forget the files that a model starts training from."""
    if cfg.model.get("pretrained"):
        cfg.model.pretrained = None

    def drop(node: dict) -> None:
        if pretrained_cfgs(node.get("init_cfg")):
            node["init_cfg"] = None

    walk(cfg.model, drop)


def make_resumable(cfg: Config) -> None:
    """Save checkpoints that a kill leaves intact, from which a run goes on as if never stopped."""
    default = {"checkpoint": {"type": "CheckpointHook", "interval": 1}}  # as mmengine has it
    cfg.default_hooks = {**default, **(cfg.get("default_hooks") or {})}
    checkpoint = cfg.default_hooks.checkpoint
    if checkpoint is not None and type_name(checkpoint) == "CheckpointHook":
        checkpoint.type = "AtomicCheckpointHook"
    _add_hook(cfg, "SeedHook")
    # Workers that live on carry random states that no checkpoint holds.
    loader = cfg.get("train_dataloader") or {}
    if loader.get("persistent_workers"):
        loader["persistent_workers"] = False


def resumption_notes(cfg: Config) -> list[str]:
    """A note for the user on each setting that lets a resumed run end with other weights.

    mmengine begins the epoch anew that a checkpoint lies in, and a checkpoint has no gradients.
    """
    saving = cfg.default_hooks.get("checkpoint") or {}
    by_epoch = "max_epochs" in (cfg.get("train_cfg") or {})
    steps = (cfg.get("optim_wrapper") or {}).get("accumulative_counts", 1)
    notes = []
    if by_epoch and not saving.get("by_epoch", True):
        notes.append(
            "Resuming: a run that goes on from within an epoch begins this epoch anew; without "
            "default_hooks.checkpoint.by_epoch=False it goes on as if never stopped"
        )
    if steps > 1 and (by_epoch or saving.get("interval", 1) % steps):
        what = "the steps of an epoch" if by_epoch else "default_hooks.checkpoint.interval"
        notes.append(
            f"Resuming: an update takes the gradients of {steps} steps (accumulative_counts), and "
            f"a checkpoint in between lacks the first of them; with {what} a multiple of {steps} "
            "there is none"
        )
    return notes


def _add_hook(cfg: Config, hook_type: str) -> None:
    hooks = cfg.get("custom_hooks") or []
    if not any(type_name(hook) == hook_type for hook in hooks):
        cfg.custom_hooks = [*hooks, {"type": hook_type}]


def add_report(cfg: Config) -> None:
    """Let a run leave curves, pictures and a table of results."""
    _add_hook(cfg, "ReportHook")
    if cfg.get("visualizer") is None:
        cfg.visualizer = {"type": "Visualizer"}
    backends = cfg.visualizer.get("vis_backends") or []
    if not any(type_name(backend) == "LocalVisBackend" for backend in backends):
        cfg.visualizer.vis_backends = [*backends, {"type": "LocalVisBackend"}]
