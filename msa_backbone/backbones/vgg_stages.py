"""The stages of a VGG: what each consists of, and its plain layers in the order of running."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from ..layers.blocks import build_activation, build_conv3x3, build_norm, build_pool
from .vgg_layout import BLOCKS, as_tuple


@dataclass(frozen=True)
class Stage:
    """What runs in a stage of a backbone, and the shape of what comes out.

    Attributes:
        channels: of its output.
        stride: of its output, in input pixels.
        modules: names of the backbone's submodules that run in it, one after the other:
            `features.N` for a layer, `attentions.P` for the attention behind it.
    """

    channels: int
    stride: int
    modules: tuple[str, ...]


def check_stages(
    depth: int, num_stages: int, out_indices: Sequence[int] | None, frozen_stages: int
) -> None:
    """Refuse stages that a VGG does not have; the arguments are those of `MSAVGG`.

    Raises:
        ValueError: naming the value and the choices.
    """
    if depth not in BLOCKS:
        raise ValueError(f"depth={depth} is not a VGG: choose one of {', '.join(map(str, BLOCKS))}")
    if not 1 <= num_stages <= 5:
        raise ValueError(f"num_stages={num_stages} does not fit: choose 1 to 5")
    chosen = as_tuple("out_indices", range(num_stages) if out_indices is None else out_indices)
    valid = sorted(set(chosen) & set(range(num_stages)))
    if not valid or list(chosen) != valid:
        raise ValueError(
            f"out_indices={chosen} does not fit: choose from 0 to {num_stages - 1}, "
            "each once, in ascending order"
        )
    built = chosen[-1] + 1
    if frozen_stages not in range(-1, built + 1):
        raise ValueError(
            f"frozen_stages={frozen_stages} does not fit: choose 0 to {built}, "
            "the number of stages built"
        )


def per_stage(name: str, values: Sequence, stages: int) -> tuple:
    """The first `stages` values of an option that has one for each stage.

    Raises:
        ValueError: if there are fewer, or a number alone.
    """
    try:
        values = tuple(values)
    except TypeError:
        reason = f"one value for each of {stages} stages"
        raise ValueError(f"{name}={values} does not fit: {reason}") from None
    if len(values) < stages:
        raise ValueError(f"{name}={values} is too short: one value for each of {stages} stages")
    return values[:stages]


def make_layers(
    convs: Sequence[int],
    channels: Sequence[int],
    in_channels: int,
    out_before_pool: bool,
    conv_cfg: dict | None,
    norm_cfg: dict | None,
    act_cfg: dict,
    dilations: Sequence[int],
    pool_strides: Sequence[int],
    ceil_mode: bool,
) -> Iterator[tuple[int, int, list[nn.Module]]]:
    """The layers of a VGG, one by one.

    Positions count them as in the plain network: a norm belongs to its convolution.

    Args:
        convs: number of convolutions, per stage.
        channels: of their outputs, per stage.
        in_channels: of the input.
        out_before_pool: a stage's output is that of its last activation. Its pool then is the
            first layer of the next stage, and the last stage has none.
        conv_cfg, norm_cfg, act_cfg, dilations, pool_strides, ceil_mode: as in `MSAVGG`.

    Yields:
        For each layer: its stage, the channels of its output, and its modules.
    """
    for stage, width in enumerate(channels):
        for _ in range(convs[stage]):
            conv = build_conv3x3(conv_cfg, in_channels, width, dilations[stage])
            yield stage, width, [conv] if norm_cfg is None else [conv, build_norm(norm_cfg, width)]
            yield stage, width, [build_activation(act_cfg)]
            in_channels = width
        if not out_before_pool:
            yield stage, width, [build_pool(pool_strides[stage], ceil_mode)]
        elif stage + 1 < len(channels):
            yield stage + 1, width, [build_pool(pool_strides[stage], ceil_mode)]


def reset_convolutions(features: nn.Sequential) -> None:
    """torchvision's initialisation of a VGG's convolutions.

    Those inside a layer, such as the one that gives DCN its offsets, keep the start of that layer.
    """
    for module in features:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
