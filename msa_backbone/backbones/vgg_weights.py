"""Loading VGG weights of every common naming into a VGG of ours, with a report of what loaded.

Files differ in prefix (`backbone.`, `module.`, ...), in numbering (with or without norm layers)
and in names (torchvision, mmpretrain, Caffe). The k-th convolution is the k-th convolution in all
of them, so layers are matched by order and checked by shape.
"""

import os
import re
from collections import Counter
from dataclasses import dataclass, field

from mmengine.logging import print_log
from torch import Tensor, nn

from ..config_nodes import type_name
from ..files.checkpoints import read_state_dict

TENSOR_NAMES = r"(?P<tensor>weight|bias|running_mean|running_var|num_batches_tracked)"
# torchvision `features.0.weight`, mmpretrain `features.0.conv.weight`, Caffe `conv1_1.weight`
LAYER_PATTERNS = (
    re.compile(
        rf"^(?P<prefix>.*?)features\.(?P<index>\d+)\.(?:(?P<part>conv|bn)\.)?{TENSOR_NAMES}$"
    ),
    re.compile(rf"^(?P<prefix>.*?)conv(?P<index>\d+_\d+)\.{TENSOR_NAMES}$"),
)


@dataclass
class LoadReport:
    """What `load_pretrained` did, by parameter name of the model.

    Attributes:
        source: the file or URL.
        prefix: what preceded the names in the file, '' for none.
        loaded: tensors taken over.
        missing: tensors of the model that the file does not have; they keep their start values.
        unused: names in the file that have no place in the model.
        notes: adaptations, in words.
    """

    source: str
    prefix: str
    loaded: list[str]
    missing: list[str]
    unused: list[str]
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        prefix = f" (prefix '{self.prefix}')" if self.prefix else ""
        total = len(self.loaded) + len(self.missing)
        lines = [
            f"Weights from {self.source}{prefix}: {len(self.loaded)} of {total} tensors loaded."
        ]
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
    model: nn.Module, source: str | os.PathLike, prefix: str | None = None
) -> LoadReport:
    """Load VGG weights into `model` (MSAVGG or the classifier) and log the report.

    Args:
        model: has `features` (the VGG layers in order) and perhaps `attentions`, `classifier`.
        source: as in `read_state_dict`.
        prefix: what precedes the names in the file; found by itself when None.

    Raises:
        ValueError: if no name fits, or a tensor has another shape (another depth or width).
    """
    source = os.fspath(source)
    file_tensors = read_state_dict(source)
    if prefix is None:
        prefix = _find_prefix(file_tensors)
    elif prefix and not prefix.endswith("."):
        prefix += "."
    target = model.state_dict()
    report = LoadReport(source, prefix, [], [], [])
    tensors = {}
    for file_name, name in _model_names(file_tensors, prefix, model).items():
        tensor = file_tensors[file_name]
        if name not in target:
            report.unused.append(file_name)
            continue
        if tensor.shape != target[name].shape:
            tensor = _adapted(name, tensor, target[name], model, report)
        if tensor is not None:
            tensors[name] = tensor
    if not any(name.startswith("features.") for name in tensors):
        raise ValueError(
            f"weights {source} match no key of {type(model).__name__}: the file has names like "
            f"'{next(iter(file_tensors))}', a VGG has names like 'features.0.weight'"
        )
    report.loaded = list(tensors)
    report.missing = [
        n for n in target if n not in tensors and not n.endswith("num_batches_tracked")
    ]
    if any(name.startswith(prefix) and "running_mean" in name for name in report.unused):
        report.notes.append(
            "WARNING: the file's norm layers have no place here: "
            "build with norm_cfg=dict(type='BN')"
        )
    model.load_state_dict(tensors, strict=False)
    model.is_init = True  # a later init_weights(), as mmengine's Runner calls it, leaves them be
    print_log(str(report), logger="current")
    return report


def _find_prefix(names: dict[str, Tensor]) -> str:
    """The most common text before `features.N.` or `convM_K.`."""
    prefixes = Counter(
        match["prefix"]
        for name in names
        for pattern in LAYER_PATTERNS
        if (match := pattern.match(name))
    )
    return prefixes.most_common(1)[0][0] if prefixes else ""


def _model_names(
    file_tensors: dict[str, Tensor], prefix: str, model: nn.Module
) -> dict[str, str | None]:
    """The name in the model for every name in the file, None for what has no place."""
    target = model.state_dict()
    names: dict[str, str | None] = dict.fromkeys(file_tensors)
    names |= {n: n.removeprefix(prefix) for n in names if n.startswith(prefix)}
    vgg_names = {name for name in target if name.startswith("features.")}
    if vgg_names <= {
        short
        for name, short in names.items()
        if short in vgg_names and file_tensors[name].shape == target[short].shape
    }:
        return names  # the model's own numbering
    layers: dict[tuple[int, ...], dict[str, str]] = {}
    for name, short in names.items():
        for pattern in LAYER_PATTERNS:
            match = pattern.match(short or "")
            if match and not match["prefix"]:
                # mmpretrain keeps a norm under its convolution's number: it follows as (index, 1)
                parts = match.groupdict()
                index = tuple(int(i) for i in parts["index"].split("_"))
                index += (1,) if parts.get("part") == "bn" else (0,)
                layers.setdefault(index, {})[parts["tensor"]] = name
    convs, norms = _layer_names(model)
    conv_number = -1
    for _, tensors in sorted(layers.items()):
        is_conv = "weight" in tensors and file_tensors[tensors["weight"]].dim() == 4
        conv_number += is_conv
        known = convs if is_conv else norms
        for tensor, name in tensors.items():
            exists = 0 <= conv_number < len(known)
            names[name] = f"{known[conv_number]}.{tensor}" if exists else None
    return names


def _layer_names(model: nn.Module) -> tuple[list[str], list[str]]:
    """Names of the convolutions of `model.features`, and of the norms behind them."""
    convs, norms = [], []
    for index, module in enumerate(model.features):
        weight = getattr(module, "weight", None)
        if weight is None or isinstance(module, nn.PReLU):
            continue
        (convs if weight.dim() == 4 else norms).append(f"features.{index}")
    return convs, norms


def _adapted(
    name: str, tensor: Tensor, target: Tensor, model: nn.Module, report: LoadReport
) -> Tensor | None:
    """A tensor of another shape made to fit where that has a meaning; None leaves it out."""
    is_first_conv = name == "features.0.weight" and tensor.dim() == 4
    same_but_inputs = (tensor.shape[:1], tensor.shape[2:]) == (target.shape[:1], target.shape[2:])
    if is_first_conv and same_but_inputs and tensor.shape[1] == 3:
        channels = target.shape[1]
        report.notes.append(
            f"first convolution adapted from 3 to {channels} input channels: the colours' weights "
            "are averaged and rescaled, so that equal channels give the same response"
        )
        mean = tensor.float().mean(dim=1, keepdim=True)
        return mean.expand(-1, channels, -1, -1) * (3 / channels)
    classifier = getattr(model, "classifier", None)
    if classifier is not None and name.startswith(f"classifier.{len(classifier) - 1}."):
        report.notes.append(
            f"{name} has another number of classes in the file: kept as initialised"
        )
        return None
    raise ValueError(
        f"weights {report.source}: {name} has shape {tuple(tensor.shape)} in the file and "
        f"{tuple(target.shape)} in the model: build the model with the file's depth, "
        "base_channels and reduction_ratio"
    )


def _abbreviated(names: list[str], most: int = 6) -> str:
    """Layers instead of tensors, and the first few only."""
    layers = list(dict.fromkeys(name.rsplit(".", 1)[0] for name in names))
    more = f", ... ({len(layers) - most} more layers)" if len(layers) > most else ""
    return ", ".join(layers[:most]) + more
