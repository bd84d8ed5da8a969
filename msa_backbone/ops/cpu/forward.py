"""Multi-Scale Attention on CPUs: two passes over the feature map, small maps in between.

Written as torch operations, the formula reads x for every branch and every statistic, and stores
several maps of its size. Time goes into moving memory. Here x is read once to get all that is
needed of it (`read`) and once more to add the result to it (`combine`). What lies between has few
channels.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..channel_statistics import divide_by_rms
from .combine import combine
from .packed_conv import convolve
from .read import read


def forward(module: nn.Module, x: Tensor, drop: Callable[[Tensor], Tensor] | None) -> Tensor:
    """What a MultiScaleAttention gives for x.

    Args:
        module: a MultiScaleAttention whose parts are as it was built.
        x: (N, C, H, W).
        drop: sets parts of a channel gate, (N, C, 1, 1), to zero and scales up the rest.

    Returns:
        (N, C, H, W), in the memory format of x.
    """
    branches = module.conv1x1, module.conv3x3, module.conv5x5
    x, scales, statistics, average = read(
        x,
        [conv.weight for conv in branches],
        statistics=module.spatial_attention is not None,
    )
    channel = spatial = None
    if module.channel_attention is not None:
        channel = module.channel_attention(average)
    if drop is not None:
        ones = x.new_ones(x.shape[0], x.shape[1], 1, 1)
        channel = drop(ones if channel is None else channel)
    if module.spatial_attention is not None:
        conv = module.spatial_attention[0]
        if module.gate_norm:
            statistics = divide_by_rms(statistics, [2, 3])
        spatial = convolve(statistics, conv.weight, conv.bias).sigmoid()
    # fusion(scales + bias) = fusion(scales) + fusion(bias): a vector instead of a map.
    weight = module.fusion_conv.weight.flatten(1)
    bias = module.fusion_conv.bias + weight @ torch.cat([conv.bias for conv in branches])
    return combine(x, scales, spatial, channel, weight, bias)
