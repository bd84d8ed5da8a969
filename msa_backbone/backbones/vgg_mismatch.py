"""What makes a file's weights those of another network than the model, although tensors may fit.

Convolutions behind other norms, or beside other attention, compute something that they were not
trained for; and nothing would fail. So norms and attention come as a whole or not at all.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from .vgg_names import file_layers, layer_names

STEP_COUNT = "num_batches_tracked"


def check_norms(
    source: str, file_tensors: Mapping[str, Tensor], prefix: str, model: nn.Module
) -> None:
    """Refuse a file whose norm layers are not the model's.

    A file without norms is let through: the model's then start fresh, behind trained convolutions.

    Raises:
        ValueError: naming both kinds of norm.
    """
    in_file = _norm_tensors(file_tensors, prefix)
    in_model = _norm_tensors(model.state_dict())
    if in_file and in_file != in_model:
        mend = "norm_cfg=dict(type='BN')" if "running_mean" in in_file else "the file's norm_cfg"
        raise ValueError(
            f"weights {source}: the file has norm layers with {', '.join(sorted(in_file))}, the "
            f"model's have {', '.join(sorted(in_model)) or 'no tensors'}: build the model with "
            f"{mend}"
        )


def _norm_tensors(tensors: Mapping[str, Tensor], prefix: str = "") -> set[str]:
    """What a norm layer holds: weight and bias, running_mean and running_var, or all four."""
    kinds = [layer.keys() - {STEP_COUNT} for _, layer in file_layers(tensors, prefix)[1]]
    return set().union(*(kind for kind in kinds if kind != {"weight"}))  # that is a PReLU


def attention_mismatch(
    file_tensors: Mapping[str, Tensor], prefix: str, model: nn.Module
) -> str | None:
    """What is other in a file's attention than in the model's, and the mend; None if nothing is.

    A file without attention fits. So does one whose attention is the first of the model's, or the
    model's the first of the file's where the model ends before: a detector goes on behind the last
    pool, a U-Net does not, and each may start the other.
    """
    in_file, in_model = _attention(file_tensors, prefix), _attention(model.state_dict())
    if not in_file:
        return None
    convs, _ = layer_names(model)
    pools = sum(isinstance(module, nn.MaxPool2d) for module in model.features)
    last = 2 * len(convs) + pools - 1  # a convolution and its activation count as two
    places = sorted(place for place in in_file if place <= last)
    if places != sorted(place for place in in_model if place <= max(in_file)):
        mend = f"attention_positions={tuple(places)}" if places else "attention=None"
        if places and not in_model:
            mend = f"the file's attention=dict(type=...) and {mend}"
        return (
            f"attention is at {_listed(in_file)} in the file and at {_listed(in_model)} in the "
            f"model: build the model with {mend}"
        )
    for place in places:
        here, there = in_file[place], in_model[place]
        # Attention that is trained already may begin to listen.
        language = getattr(model.attentions[str(place)], "language_parts", ())
        words = {name for name in there if name.split(".")[0] in language}
        if not words & here.keys():
            there = {name: shape for name, shape in there.items() if name not in words}
        for name in sorted(here.keys() | there.keys()):
            if here.get(name) != there.get(name):
                return (
                    f"attentions.{place}.{name} has shape {here.get(name, 'none')} in the file and "
                    f"{there.get(name, 'none')} in the model: build the model with the file's "
                    "attention, its type and reduction_ratio among it"
                )
    return None


def _attention(
    tensors: Mapping[str, Tensor], prefix: str = ""
) -> dict[int, dict[str, tuple[int, ...]]]:
    """Position of every attention module; names and shapes of its tensors."""
    found: dict[int, dict[str, tuple[int, ...]]] = {}
    start = f"{prefix}attentions."
    for name, tensor in tensors.items():
        place, _, rest = name.removeprefix(start).partition(".")
        if name.startswith(start) and place.isdigit() and not rest.endswith(STEP_COUNT):
            found.setdefault(int(place), {})[rest] = tuple(tensor.shape)
    return found


def _listed(attention: Mapping[int, object]) -> str:
    return ", ".join(map(str, sorted(attention))) or "no place"
