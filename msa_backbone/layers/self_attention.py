"""Self-attention that a feature map can afford.

In self-attention every location weights all others: on a map of H * W locations the time grows with
(H * W) ** 2. Two forms cost less: along one axis after the other, and linear in the locations.
All keep the shape, take channels first and start as the identity with `zero_init`.
"""

from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .branch_drop import build_branch_drop


class _Heads(nn.Module):
    """Queries, keys and values of several heads.

    Queries and keys are normalised in every head (https://arxiv.org/abs/2010.04245, section 2), as
    a VGG's features are large; values are not, so that what comes out has the scale of the input.
    """

    def __init__(self, in_channels: int, hidden: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Conv2d(in_channels, 3 * hidden, kernel_size=1)
        self.q_norm = nn.RMSNorm(hidden // num_heads)
        self.k_norm = nn.RMSNorm(hidden // num_heads)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, C, H, W) -> three of (N, heads, H, W, h / heads)."""
        tokens = self.qkv(x).unflatten(1, (3, self.num_heads, -1)).movedim(3, -1)
        q, k, v = tokens.unbind(1)
        return self._normalise(q, self.q_norm), self._normalise(k, self.k_norm), v

    @staticmethod
    def _normalise(x: Tensor, norm: nn.RMSNorm) -> Tensor:
        """In x's dtype, also under autocast, where the weight has another."""
        return F.rms_norm(x, norm.normalized_shape, norm.weight.to(x.dtype), norm.eps)


class SelfAttention(nn.Module):
    """What both self-attentions share: y = x + out(attended), attended in C // r channels.

    There is no encoding of positions: maps have any size, and the padding of VGG's convolutions
    lets features know their place.

    Args:
        in_channels: C, channels of the input and of the output.
        reduction_ratio: r; the attention works on C // r channels.
        num_heads: a divisor of C // r.
        dropout, drop_path, zero_init: as in `MultiScaleAttention`.

    Raises:
        ValueError: for an r or a number of heads that does not fit.
    """

    def __init__(
        self,
        in_channels: int,
        reduction_ratio: int = 4,
        num_heads: int = 4,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        if not 1 <= reduction_ratio <= in_channels:
            raise ValueError(
                f"reduction_ratio={reduction_ratio} does not fit in_channels={in_channels}: "
                f"choose 1 to {in_channels}"
            )
        hidden = in_channels // reduction_ratio
        if num_heads < 1 or hidden % num_heads:
            raise ValueError(
                f"num_heads={num_heads} does not divide the {hidden} channels that "
                f"in_channels={in_channels} and reduction_ratio={reduction_ratio} leave"
            )
        self.zero_init = zero_init
        self._build_heads(in_channels, hidden, num_heads)
        self.out = nn.Conv2d(hidden, in_channels, kernel_size=1)
        self.drop = build_branch_drop(dropout, drop_path)
        self.init_weights()

    def init_weights(self) -> None:
        """Restore the identity where it is asked for; mmengine calls this after any `init_cfg`."""
        if self.zero_init:
            nn.init.zeros_(self.out.weight)
            nn.init.zeros_(self.out.bias)

    def _residual(self, x: Tensor, attended: Tensor) -> Tensor:
        """(N, C, H, W) and (N, heads, H, W, h / heads) -> (N, C, H, W)."""
        branch = self.out(attended.movedim(-1, 2).flatten(1, 2))
        return x + (branch if self.drop is None else self.drop(branch))


def _attend_along_lines(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention along L in (N, heads, lines, L, h / heads), each line for itself.

    The lines are one batch. So torch's fused kernels serve, which keep no L x L weights in memory.
    """
    lines = [tokens.flatten(0, 2).unsqueeze(1) for tokens in (q, k, v)]
    return F.scaled_dot_product_attention(*lines).squeeze(1).unflatten(0, q.shape[:3])


class AxialAttention(SelfAttention):
    """Self-attention along the height, then along the width: every location reaches every other.

    The time of the attention itself grows with H * W * (H + W) instead of (H * W) ** 2
    (https://arxiv.org/abs/1912.12180, section 3; https://arxiv.org/abs/2003.07853, section 3).
    Deviations: normalised queries and keys, no positional encoding.

    Arguments and errors are those of `SelfAttention`.
    """

    def _build_heads(self, in_channels: int, hidden: int, num_heads: int) -> None:
        self.along_height = _Heads(in_channels, hidden, num_heads)
        self.along_width = _Heads(hidden, hidden, num_heads)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        columns = [tokens.transpose(2, 3) for tokens in self.along_height(x)]
        attended = _attend_along_lines(*columns).transpose(2, 3)
        rows = self.along_width(attended.movedim(-1, 2).flatten(1, 2))
        return self._residual(x, _attend_along_lines(*rows))


class LinearAttention(SelfAttention):
    """Self-attention over all locations whose time and memory are linear in H * W.

    The kernel exp(q·k) of softmax attention becomes phi(q)·phi(k) with phi = elu + 1, and the sums
    over keys are taken first (https://arxiv.org/abs/2006.16236, section 3.2). Deviation: normalised
    queries and keys. Sums over locations are taken in at least float32, as averages of the values.

    Arguments and errors are those of `SelfAttention`.
    """

    def _build_heads(self, in_channels: int, hidden: int, num_heads: int) -> None:
        self.heads = _Heads(in_channels, hidden, num_heads)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        q, k, v = (tokens.flatten(2, 3) for tokens in self.heads(x))
        device = x.device.type
        has_autocast = torch.amp.is_autocast_available(device)  # meta has none
        with torch.autocast(device, enabled=False) if has_autocast else nullcontext():
            dtype = torch.promote_types(v.dtype, torch.float32)
            q, k = F.elu(q.to(dtype)) + 1, F.elu(k.to(dtype)) + 1
            total = k.sum(dim=2, keepdim=True)
            context = (k / total).transpose(2, 3) @ v.to(dtype)
            shares = q * total
            attended = (shares / shares.sum(dim=3, keepdim=True)) @ context
        attended = attended.to(v.dtype).unflatten(2, x.shape[2:])
        return self._residual(x, attended)
