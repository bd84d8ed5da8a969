"""What makes a file's weights those of another network than the model, although tensors may fit.

Convolutions behind other norms, or beside other attention, compute something that they were not
trained for; and nothing would fail. So norms and attention come as a whole or not at all. The same
is true of a stage that lacks a convolution.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import takewhile

from torch import Tensor, nn

from .vgg_layout import CHANNEL_MULTIPLIERS
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


def check_depth(
    source: str, file_tensors: Mapping[str, Tensor], prefix: str, model: nn.Module
) -> None:
    """Refuse a file whose stages have other numbers of convolutions than the model's.

    Where the model ends before the file does, all tensors of the model may fit although a stage of
    the file goes on. Stages are told apart by their width. The last two have the same, so they are
    left out: VGGs of different depths differ before them.

    Raises:
        ValueError: naming both numbers.
    """
    state = model.state_dict()
    widths = [state[f"{name}.weight"].shape[0] for name in layer_names(model)[0]]
    convs, _ = file_layers(file_tensors, prefix)
    last = CHANNEL_MULTIPLIERS[-1] * min(widths)

    def before_the_last_two(widths: Iterable[int]) -> Counter:
        return Counter(takewhile(lambda width: width < last, widths))  # detectors go on behind them

    in_file = before_the_last_two(file_tensors[conv["weight"]].shape[0] for conv in convs)
    for width, count in before_the_last_two(widths).items():
        if in_file[width] not in (0, count):  # 0: the file ends before
            raise ValueError(
                f"weights {source}: the file has {in_file[width]} convolutions of {width} channels "
                f"and the model {count}: build the model with the file's depth"
            )


def attention_mismatch(
    file_tensors: Mapping[str, Tensor], prefix: str, model: nn.Module
) -> str | None:
    """What is other in a file's attention than in the model's, and the mend; None if nothing is.

    A file without attention fits. So does one whose attention is the first of the model's, or the
    model's the first of the file's where the model ends before: a detector goes on behind the last
    pool, a U-Net does not, and each may start the other.
    """
    state = model.state_dict()
    in_file, in_model = _attention(file_tensors, prefix), _attention(state)
    if not in_file:
        return None
    given, expected = _modalities(file_tensors, prefix), _modalities(state)
    if given != expected:
        return (
            f"the file has {given} modalities and the model {expected}: build the model with the "
            "file's in_channels"
        )
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
                    "attention, its type and reduction_ratio among it, and the file's zero_init"
                )
    goes_on = len(in_model) > 1  # behind the last fusion nothing is exchanged
    if goes_on and _has(file_tensors, f"{prefix}exchanges.") and not _has(state, "exchanges."):
        return (
            "the file has exchanges, by which the other streams receive from the reference's, and "
            "the model has none: build the model with exchange=True"
        )
    return None


def _has(tensors: Mapping[str, Tensor], start: str) -> bool:
    return any(name.startswith(start) for name in tensors)


def _modalities(tensors: Mapping[str, Tensor], prefix: str = "") -> int:
    """The reference, and one for each `streams.M`."""
    start = f"{prefix}streams."
    streams = (name.removeprefix(start) for name in tensors if name.startswith(start))
    return 1 + len({name.partition(".")[0] for name in streams})


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
