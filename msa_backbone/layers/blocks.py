"""Convolution, norm, activation and attention from OpenMMLab-style dicts, without needing mmcv.

The names are OpenMMLab's (`BN`, `GN`, ...). What torch has is built from torch; any other type is
looked up in mmengine's MODELS registry, where mmcv and mmdet put theirs.
"""

import inspect
from difflib import get_close_matches

import torch
from mmengine.registry import MODELS
from torch import nn

from .peers import ResidualStart, is_identity

CONVOLUTIONS = {"Conv2d": nn.Conv2d, "Conv": nn.Conv2d}
NORMS = {
    "BN": nn.BatchNorm2d,
    "SyncBN": nn.SyncBatchNorm,
    "IN": nn.InstanceNorm2d,
    "GN": nn.GroupNorm,
}
ACTIVATIONS = {
    "ReLU": nn.ReLU,
    "LeakyReLU": nn.LeakyReLU,
    "PReLU": nn.PReLU,
    "ELU": nn.ELU,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
    "Mish": nn.Mish,
}
INPLACE = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.Mish)


def _resolve(cfg: dict, table: dict[str, type], option: str) -> tuple[type, dict]:
    """Class and remaining keyword arguments of a `dict(type=...)`."""
    if "type" not in cfg:
        raise ValueError(f"{option}={cfg} lacks its 'type'")
    arguments = dict(cfg)
    kind = arguments.pop("type")
    if not isinstance(kind, str):
        return kind, arguments
    with MODELS.switch_scope_and_registry(None) as registry:  # mmdet's while mmdet builds
        cls = table.get(kind) or registry.get(kind)
    if cls is None:
        choice = f"choose one of {', '.join(table)}, or " if table else ""
        raise ValueError(
            f"{option} type '{kind}' is unknown: {choice}register it in mmengine's MODELS"
        )
    return cls, arguments


def build_conv3x3(
    cfg: dict | None, in_channels: int, out_channels: int, dilation: int
) -> nn.Module:
    """3x3 convolution that keeps height and width; `cfg=None` is `nn.Conv2d`."""
    cls, arguments = _resolve(cfg or {"type": "Conv2d"}, CONVOLUTIONS, "conv_cfg")
    return cls(
        in_channels, out_channels, kernel_size=3, padding=dilation, dilation=dilation, **arguments
    )


def build_norm(cfg: dict, channels: int) -> nn.Module:
    """Normalisation over `channels`; `requires_grad=False` in `cfg` freezes its affine part."""
    cls, arguments = _resolve(cfg, NORMS, "norm_cfg")
    requires_grad = arguments.pop("requires_grad", True)
    if cls is nn.GroupNorm:
        if "num_groups" not in arguments:
            raise ValueError("norm_cfg=dict(type='GN') lacks num_groups, e.g. num_groups=32")
        norm = cls(num_channels=channels, **arguments)
    else:
        norm = cls(channels, **arguments)
    return norm.requires_grad_(requires_grad)


def build_activation(cfg: dict) -> nn.Module:
    """Activation, in place where torch offers it (as torchvision's VGG does)."""
    cls, arguments = _resolve(cfg, ACTIVATIONS, "act_cfg")
    if cls in INPLACE:
        arguments.setdefault("inplace", True)
    return cls(**arguments)


def build_pool(stride: int, ceil_mode: bool) -> nn.MaxPool2d:
    """VGG's 2x2 pool; with stride 1 a 3x3 pool that keeps height and width."""
    if stride == 1:
        return nn.MaxPool2d(kernel_size=3, stride=1, padding=1)
    return nn.MaxPool2d(kernel_size=2, stride=stride, ceil_mode=ceil_mode)


def build_branch_drop(dropout: float, drop_path: float) -> nn.Module | None:
    """What leaves parts of a residual branch out in training; None where nothing is asked for.

    Whole channels (https://arxiv.org/abs/1411.4280, section 3.2) and the whole branch of a sample
    (stochastic depth, https://arxiv.org/abs/1603.09382, section 3); what stays is scaled up.

    Raises:
        ValueError: for a probability outside [0, 1).
    """
    for name, value in (("dropout", dropout), ("drop_path", drop_path)):
        if not 0 <= value < 1:
            raise ValueError(f"{name}={value} is no probability of leaving out: choose 0 <= p < 1")
    drops = []
    if dropout:
        drops.append(nn.Dropout2d(dropout))
    if drop_path:
        from torchvision.ops import StochasticDepth  # takes a second, which few need

        drops.append(StochasticDepth(drop_path, mode="row"))
    return nn.Sequential(*drops) if drops else None


def build_attention(cfg: dict, in_channels: int, zero_init: bool) -> nn.Module:
    """A registered attention module for `in_channels` channels.

    With `zero_init`, one that cannot start as the identity by itself is put into a
    `ResidualStart`. Its random numbers are its own: with a seed, the rest of a model starts the
    same with and without attention.
    """
    cls, _ = _resolve(cfg, {}, "attention")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), device="cpu")))
        if "zero_init" in inspect.signature(cls).parameters:
            return MODELS.build(dict(cfg, in_channels=in_channels, zero_init=zero_init))
        attention = MODELS.build(dict(cfg, in_channels=in_channels))
        if zero_init and not is_identity(attention, in_channels):
            return ResidualStart(attention, in_channels)
        return attention


def check_attention_options(attention: dict) -> None:
    """Refuse a misspelt option of an attention dict before anything is built.

    Raises:
        ValueError: naming the option, the nearest known one and the choices.
    """
    cls, arguments = _resolve(attention, {}, "attention")
    parameters = inspect.signature(cls).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    known = list(parameters)
    choices = [option for option in known if option not in ("in_channels", "zero_init")]
    for option in arguments:
        if option in choices:
            continue
        near = get_close_matches(option, choices, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        if option in known:
            hint = "the backbone sets it, so give it there. "
        raise ValueError(
            f"attention option '{option}' does not belong to {cls.__name__}: "
            f"{hint}options: {', '.join(choices)}"
        )
