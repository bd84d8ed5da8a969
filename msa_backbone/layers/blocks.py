"""Convolution, norm, activation and pool from OpenMMLab-style dicts, without needing mmcv.

The names are OpenMMLab's (`BN`, `GN`, ...). What torch has is built from torch; any other type is
looked up in mmengine's MODELS registry, where mmcv and mmdet put theirs.
"""

from mmengine.registry import MODELS
from torch import nn

from .residual_start import keep_zeros

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


def resolve_type(cfg: dict, table: dict[str, type], option: str) -> tuple[type, dict]:
    """Class and remaining keyword arguments of a `dict(type=...)`."""
    if not isinstance(cfg, dict) or "type" not in cfg:
        raise ValueError(f"{option}={cfg} lacks its 'type': give dict(type=...)")
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
    cls, arguments = resolve_type(cfg or {"type": "Conv2d"}, CONVOLUTIONS, "conv_cfg")
    conv = cls(
        in_channels, out_channels, kernel_size=3, padding=dilation, dilation=dilation, **arguments
    )
    return keep_zeros(conv)  # the offsets of DCN


def build_norm(cfg: dict, channels: int) -> nn.Module:
    """Normalisation over `channels`; `requires_grad=False` in `cfg` freezes its affine part."""
    cls, arguments = resolve_type(cfg, NORMS, "norm_cfg")
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
    cls, arguments = resolve_type(cfg, ACTIVATIONS, "act_cfg")
    if cls in INPLACE:
        arguments.setdefault("inplace", True)
    return cls(**arguments)


def build_pool(stride: int, ceil_mode: bool) -> nn.MaxPool2d:
    """VGG's 2x2 pool; with stride 1 a 3x3 pool that keeps height and width."""
    if stride == 1:
        return nn.MaxPool2d(kernel_size=3, stride=1, padding=1)
    return nn.MaxPool2d(kernel_size=2, stride=stride, ceil_mode=ceil_mode)
