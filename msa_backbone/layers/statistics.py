"""What Multi-Scale Attention's spatial gate sees of the channels."""

import torch
from torch import Tensor


def spatial_statistics(x: Tensor) -> Tensor:
    """Maximum, mean and unbiased standard deviation over the channels.

    The deviation is the norm of the centred values: no cancellation where the mean is large, no
    overflow in half precision, and a zero gradient where all channels are equal.

    Args:
        x: features, (N, C, H, W).

    Returns:
        (N, 3, H, W) in the dtype of x; the deviation of a single channel is 0.
    """
    accumulate = torch.promote_types(x.dtype, torch.float32)
    peak = x.amax(dim=1, keepdim=True)
    mean = x.mean(dim=1, keepdim=True, dtype=accumulate)
    degrees_of_freedom = max(x.shape[1] - 1, 1)
    std = torch.linalg.vector_norm(x - mean, dim=1, keepdim=True) / degrees_of_freedom**0.5
    return torch.cat([peak, mean.to(x.dtype), std.to(x.dtype)], dim=1)
