"""Loading VGG weights of every common naming into a VGG of ours, with a report of what loaded.

Shapes, norms and attention have to be those of the model: a file of another network is refused.
"""

import os
from collections import Counter
from dataclasses import dataclass, field

from mmengine.logging import MessageHub, MMLogger
from torch import Tensor, cat, nn

from ..config_nodes import type_name
from ..files.checkpoints import read_state_dict
from .vgg_mismatch import STEP_COUNT, attention_mismatch, check_depth, check_norms
from .vgg_names import find_prefix, layer_names, model_names

STATISTICS = ("running_mean", "running_var", STEP_COUNT)
WEIGHTS_KEY = "backbone_weights"
"""Under this name a training's checkpoints say what the backbone started from."""


@dataclass
class LoadReport:
    """What `load_pretrained` did, by parameter name of the model.

    Attributes:
        source: the file or URL.
        prefix: what preceded the names in the file, '' for none.
        loaded: tensors taken over.
        missing: tensors of the model that the file does not have; they keep their start values.
        unused: names in the file that have no place in the model.
        parts: tensors taken over, and all of the model, by part: convolutions, norms, attention.
        notes: adaptations, in words.
    """

    source: str
    prefix: str
    loaded: list[str]
    missing: list[str]
    unused: list[str]
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """The file and what was taken from it, in one line."""
        prefix = f" (prefix '{self.prefix}')" if self.prefix else ""
        total = len(self.loaded) + len(self.missing)
        parts = ", ".join(f"{part} {some} of {every}" for part, (some, every) in self.parts.items())
        line = f"{self.source}{prefix}: {len(self.loaded)} of {total} tensors loaded ({parts})"
        if "attention" in self.parts:
            line += f"; attention {'' if self.parts['attention'][0] else 'not '}included"
        return line

    def __str__(self) -> str:
        lines = [f"Weights from {self.summary()}"]
        unused = [name for name in self.unused if name.startswith(self.prefix)]
        for label, names in (
            ("not in the file, kept as initialised", self.missing),
            ("in the file, not used", unused),
        ):
            if names:
                lines.append(f"  {len(names)} {label}: {_abbreviated(names)}")
        # What a detector or a segmenter has beside its backbone.
        parts = Counter(n.split(".")[0] for n in self.unused if not n.startswith(self.prefix))
        if parts:
            counted = ", ".join(f"{part} ({count})" for part, count in parts.items())
            lines.append(f"  {parts.total()} of other parts of the model in the file: {counted}")
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)


def pretrained_cfgs(init_cfg: dict | list[dict] | None) -> list[dict]:
    """The parts of an mmengine `init_cfg` that name a checkpoint."""
    cfgs = [init_cfg] if isinstance(init_cfg, dict) else init_cfg or []
    return [cfg for cfg in cfgs if type_name(cfg) in ("Pretrained", "PretrainedInit")]


def load_pretrained(
    model: nn.Module,
    source: str | os.PathLike,
    prefix: str | None = None,
    skip_other_attention: bool = False,
    ends_early: bool = False,
) -> LoadReport:
    """Load VGG weights into `model` (MSAVGG or the classifier) and log the report.

    Args:
        model: has `features` (the VGG layers in order) and perhaps `attentions`, `classifier`.
        source: as in `read_state_dict`.
        prefix: what precedes the names in the file; found by itself when None.
        skip_other_attention: leave attention out that is not the model's, in place of an error.
        ends_early: the model may end inside a stage.

    Raises:
        ValueError: if no name fits, a tensor has another shape (another depth or width), a stage
            another number of convolutions, or norms or attention are not the model's.
    """
    source = os.fspath(source)
    file_tensors = read_state_dict(source)
    if prefix is None:
        prefix = find_prefix(file_tensors)
    elif prefix and not prefix.endswith("."):
        prefix += "."
    target = model.state_dict()
    report = LoadReport(source, prefix, [], [], [])
    mismatch = attention_mismatch(file_tensors, prefix, model)
    tensors = {}
    for file_name, name in model_names(file_tensors, prefix, model).items():
        tensor = file_tensors[file_name]
        if name not in target or (mismatch and name.startswith("attentions.")):
            report.unused.append(file_name)
            continue
        if tensor.shape != target[name].shape:
            tensor = _adapted(name, tensor, target[name], model, report)
        if tensor is not None:
            tensors[name] = tensor
    if not any(name.startswith("features.") for name in tensors):
        raise ValueError(
            f"weights {source} match no key of a VGG: the file has names like "
            f"'{next(iter(file_tensors))}', a VGG has names like 'features.0.weight'"
        )
    report.loaded = list(tensors)
    report.missing = [n for n in target if n not in tensors and not n.endswith(STEP_COUNT)]
    if not ends_early:
        check_depth(source, file_tensors, prefix, model)
    check_norms(source, file_tensors, prefix, model)
    if mismatch and not skip_other_attention:
        raise ValueError(f"weights {source}: {mismatch}")
    report.parts = _count_parts(model, set(tensors))
    model.load_state_dict(tensors, strict=False)
    model.is_init = True  # a later init_weights(), as mmengine's Runner calls it, leaves them be
    MMLogger.get_current_instance().info(str(report))
    MessageHub.get_current_instance().update_info(WEIGHTS_KEY, report.summary())
    return report


def _count_parts(model: nn.Module, loaded: set[str]) -> dict[str, tuple[int, int]]:
    """Tensors taken over and tensors of the model: of its convolutions, norms, attention, rest."""
    convs, norms = (set(names) for names in layer_names(model))
    counts = {part: [0, 0] for part in ("convolutions", "norms", "attention", "others")}
    for name in model.state_dict():
        layer = name.rpartition(".")[0]
        if name.startswith("attentions."):
            part = "attention"
        elif layer in convs:
            part = "convolutions"
        else:  # a norm without weight and bias has its statistics
            part = "norms" if layer in norms or name.endswith(STATISTICS) else "others"
        counts[part][0] += name in loaded
        counts[part][1] += name in loaded or not name.endswith(STEP_COUNT)
    return {part: (some, every) for part, (some, every) in counts.items() if every}


def _adapted(
    name: str, tensor: Tensor, target: Tensor, model: nn.Module, report: LoadReport
) -> Tensor | None:
    """A tensor of another shape made to fit where that has a meaning; None leaves it out."""
    is_first_conv = name == "features.0.weight" and tensor.dim() == 4
    same_but_inputs = (tensor.shape[:1], tensor.shape[2:]) == (target.shape[:1], target.shape[2:])
    if is_first_conv and same_but_inputs and tensor.shape[1] == 3:
        channels = target.shape[1]
        kept = 3 if channels > 3 else 0
        report.notes.append(
            f"first convolution adapted from 3 to {channels} input channels: "
            + ("the first three keep the colours' weights, others have " if kept else "")
            + "the colours' average, rescaled, so that equal channels give the same response"
        )
        mean = tensor.float().mean(dim=1, keepdim=True).expand(-1, channels - kept, -1, -1)
        return cat([tensor[:, :kept], mean], dim=1) * (3 / channels)
    classifier = getattr(model, "classifier", None)
    if classifier is not None and name.startswith(f"classifier.{len(classifier) - 1}."):
        report.notes.append(
            f"{name} has another number of classes in the file: kept as initialised"
        )
        return None
    mend = "depth and base_channels"
    if name.endswith("features.0.weight") and same_but_inputs:  # of any stream
        mend = f"in_channels, here {tensor.shape[1]}"
    elif is_first_conv and tensor.shape[1:] == target.shape[1:]:
        mend = f"base_channels={tensor.shape[0]}"
    raise ValueError(
        f"weights {report.source}: {name} has shape {tuple(tensor.shape)} in the file and "
        f"{tuple(target.shape)} in the model: build the model with the file's {mend}"
    )


def _abbreviated(names: list[str], most: int = 6) -> str:
    """Layers instead of tensors, and the first few only."""
    layers = list(dict.fromkeys(name.rsplit(".", 1)[0] for name in names))
    more = f", ... ({len(layers) - most} more layers)" if len(layers) > most else ""
    return ", ".join(layers[:most]) + more
