"""What the gates of Multi-Scale Attention see of x: statistics, normalised where asked for."""

import math

import torch
from torch import Tensor, nn

# torch.fx keeps it as one call: it looks at sizes and dtypes.
torch.fx.wrap("divide_by_rms")


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


def divide_by_rms(x: Tensor, dims: list[int]) -> Tensor:
    """x over its root mean square along `dims` (https://arxiv.org/abs/1910.07467, section 4).

    The mean square is taken in at least float32; zeros stay zeros.
    """
    accumulate = torch.promote_types(x.dtype, torch.float32)
    norm = torch.linalg.vector_norm(x, dim=dims, keepdim=True, dtype=accumulate)
    if not torch.jit.is_scripting() and isinstance(x.numel(), torch.SymInt):
        # Exporters take the root of a tensor, not of a size.
        count = torch.scalar_tensor(math.prod(x.shape[dim] for dim in dims))
        return (x / (norm / count.sqrt()).clamp_min(1e-6)).to(x.dtype)
    rms = norm * (norm.numel() / max(x.numel(), 1)) ** 0.5
    return (x / rms.clamp_min(1e-6)).to(x.dtype)


class NormalisedAvgPool2d(nn.AdaptiveAvgPool2d):
    """Averages over the locations, divided by their root mean square over the channels."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, 1, 1)."""
        return divide_by_rms(super().forward(x), [1])
