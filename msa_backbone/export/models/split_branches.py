"""The branches of Multi-Scale Attention as two convolutions that runtimes are fast at.

The branches of early maps are narrow: 64 channels go to 4 of each. ONNX Runtime and OpenVINO
compute 16 outputs at a time, so that a 5x5 convolution to 4 wastes most of its work. The same sums
in another order:

    vertical     a 5x1 convolution gives a channel for each column, 1, 3 or 5, of each kernel
    horizontal   a 1x5 convolution moves these channels to their place and adds them up

These are more products than the branches have, 1.5 times as many for 64 channels and 4 outputs, but
half as many as are computed where outputs come in sixteens.
"""

import torch
from torch import Tensor, nn

from ...layers import MultiScaleAttention
from ...ops.select_form import is_plain_conv

MOST_OUTPUTS = 8
"""Outputs of a branch up to which this is faster, as measured: 16 fill a vector by themselves."""


class SplitBranches(nn.Module):
    """The three branches side by side, (N, C, H, W) -> (N, 3 * h, H, W), equal but for rounding.

    Args:
        branches: convolutions of 1x1, 3x3 and 5x5 from C to h channels, padded to equal size.
    """

    def __init__(self, *branches: nn.Conv2d) -> None:
        super().__init__()
        channels, hidden = branches[0].in_channels, branches[0].out_channels
        columns = sum(conv.kernel_size[1] for conv in branches) * hidden
        like = {"dtype": branches[0].weight.dtype, "device": branches[0].weight.device}
        self.vertical = nn.Conv2d(channels, columns, (5, 1), padding=(2, 0), bias=False, **like)
        self.horizontal = nn.Conv2d(columns, 3 * hidden, (1, 5), padding=(0, 2), **like)
        with torch.no_grad():
            self.vertical.weight.zero_()
            self.horizontal.weight.zero_()
            self.horizontal.bias.copy_(torch.cat([conv.bias for conv in branches]))
            at = 0
            for branch, conv in enumerate(branches):
                side = conv.kernel_size[0]
                first = (5 - side) // 2
                for output in range(hidden):
                    for column in range(side):
                        kernel = conv.weight[output, :, :, column]
                        self.vertical.weight[at, :, first : first + side, 0] = kernel
                        self.horizontal.weight[branch * hidden + output, at, 0, first + column] = 1
                        at += 1

    def forward(self, x: Tensor) -> Tensor:
        return self.horizontal(self.vertical(x))


def split_branches(model: nn.Module) -> None:
    """Let all narrow modules of Multi-Scale Attention in a model compute so, in place."""
    for module in list(model.modules()):
        if isinstance(module, MultiScaleAttention) and _is_narrow(module):
            branches = SplitBranches(module.conv1x1, module.conv3x3, module.conv5x5)
            module.add_module("split_branches", branches)
            module.scales = branches.forward


def _is_narrow(module: MultiScaleAttention) -> bool:
    """Whether the branches are as MultiScaleAttention builds them, and few of them."""
    hidden = getattr(module.conv1x1, "out_channels", MOST_OUTPUTS + 1)
    channels = getattr(module.conv1x1, "in_channels", 0)
    convs = ((module.conv1x1, 1), (module.conv3x3, 3), (module.conv5x5, 5))
    return (
        type(module).scales is MultiScaleAttention.scales
        and hidden <= MOST_OUTPUTS
        and all(is_plain_conv(conv, channels, hidden, size) for conv, size in convs)
    )
