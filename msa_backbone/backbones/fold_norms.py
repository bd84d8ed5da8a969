"""Batch norms that become part of the convolutions before them, for inference."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_norms(features: nn.Sequential) -> None:
    """Fold each batch norm right behind a convolution into it; an identity takes its place.

    Norms without running statistics stay, and so do those behind anything but a plain `Conv2d`, or
    behind one with hooks before it, as weight norm has.

    Args:
        features: layers in eval mode, changed in place.
    """
    for index in range(1, len(features)):
        conv, norm = features[index - 1], features[index]
        foldable = isinstance(norm, _BatchNorm) and norm.running_mean is not None
        if foldable and type(conv) is nn.Conv2d and not conv._forward_pre_hooks:
            features[index - 1] = fuse_conv_bn_eval(conv, norm)
            features[index] = nn.Identity()
