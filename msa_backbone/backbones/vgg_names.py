"""The names that files give VGG's weights, and those of the same tensors in a VGG of ours.

Files differ in prefix (`backbone.`, `module.`, ...), in numbering (with or without norm layers)
and in names (torchvision, mmpretrain, Caffe). The k-th convolution is the k-th convolution in all
of them, so layers are matched by order.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from torch import Tensor, nn

TENSOR_NAMES = r"(?P<tensor>weight|bias|running_mean|running_var|num_batches_tracked)"
# torchvision `features.0.weight`, mmpretrain `features.0.conv.weight`, Caffe `conv1_1.weight`
LAYER_PATTERNS = (
    re.compile(
        rf"^(?P<prefix>.*?)features\.(?P<index>\d+)\.(?:(?P<part>conv|bn)\.)?{TENSOR_NAMES}$"
    ),
    re.compile(rf"^(?P<prefix>.*?)conv(?P<index>\d+_\d+)\.{TENSOR_NAMES}$"),
)
Layer = dict[str, str]
"""The tensors of a layer: 'weight', 'bias', ... and each one's name in the file."""


def find_prefix(names: Iterable[str]) -> str:
    """The most common text before `features.N.` or `convM_K.`."""
    prefixes = Counter(
        match["prefix"]
        for name in names
        for pattern in LAYER_PATTERNS
        if (match := pattern.match(name))
    )
    return prefixes.most_common(1)[0][0] if prefixes else ""


def file_layers(
    tensors: Mapping[str, Tensor], prefix: str = ""
) -> tuple[list[Layer], list[tuple[int, Layer]]]:
    """VGG's layers in a file, in their order.

    Args:
        tensors: the file's, by name.
        prefix: what precedes the names of the VGG's tensors.

    Returns:
        The convolutions; and every other layer with the number of the convolution that it follows.
    """
    layers: dict[tuple[int, ...], Layer] = {}
    for name in tensors:
        if not name.startswith(prefix):
            continue
        for pattern in LAYER_PATTERNS:
            match = pattern.match(name.removeprefix(prefix))
            if match and not match["prefix"]:
                # mmpretrain keeps a norm under its convolution's number: it follows as (index, 1)
                parts = match.groupdict()
                index = tuple(int(i) for i in parts["index"].split("_"))
                index += (1,) if parts.get("part") == "bn" else (0,)
                layers.setdefault(index, {})[parts["tensor"]] = name
    convs: list[Layer] = []
    others: list[tuple[int, Layer]] = []
    for _, layer in sorted(layers.items()):
        if "weight" in layer and tensors[layer["weight"]].dim() == 4:
            convs.append(layer)
        else:
            others.append((len(convs) - 1, layer))
    return convs, others


def model_names(
    file_tensors: Mapping[str, Tensor], prefix: str, model: nn.Module
) -> dict[str, str | None]:
    """The name in the model for every name in the file, None for what has no place.

    A file with the model's own numbering keeps its names; in any other, VGG's layers are matched by
    their order and what is beside them by name.
    """
    target = model.state_dict()
    names: dict[str, str | None] = dict.fromkeys(file_tensors)
    names |= {n: n.removeprefix(prefix) for n in names if n.startswith(prefix)}
    vgg_names = {name for name in target if name.startswith("features.")}
    if vgg_names <= {
        short
        for name, short in names.items()
        if short in vgg_names and file_tensors[name].shape == target[short].shape
    }:
        return names
    convs, norms = layer_names(model)
    file_convs, file_others = file_layers(file_tensors, prefix)
    for known, layers in ((convs, list(enumerate(file_convs))), (norms, file_others)):
        for number, layer in layers:
            exists = 0 <= number < len(known)
            for tensor, name in layer.items():
                names[name] = f"{known[number]}.{tensor}" if exists else None
    return names


def layer_names(model: nn.Module) -> tuple[list[str], list[str]]:
    """Names of the convolutions of `model.features`, and of the norms behind them."""
    convs, norms = [], []
    for index, module in enumerate(model.features):
        weight = getattr(module, "weight", None)
        if weight is None or isinstance(module, nn.PReLU):
            continue
        (convs if weight.dim() == 4 else norms).append(f"features.{index}")
    return convs, norms
