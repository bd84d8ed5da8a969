"""Multi-Scale Attention whose receptive fields follow the input.

A 5x5 kernel looks at a square, whatever the object's shape. Here the network learns where each
kernel looks, location by location. The gates, the fusion and the residual form are those of
`MultiScaleAttention`.
"""

import torch
from torch import Tensor, nn

from .multi_scale_attention import MultiScaleAttention


class DeformableMultiScaleAttention(MultiScaleAttention):
    """The 3x3 and the 5x5 branch sample where the input tells them to.

    Modulated deformable convolution (DCNv2, https://arxiv.org/abs/1811.11168, section 3.2) through
    torchvision. Offsets start at zero and modulations at one: plain 3x3 and 5x5 convolutions.
    Deviations from `MultiScaleAttention`: both branches work on the h channels of the 1x1 branch,
    as the sampled values of all C channels (9 + 25 for each) would take 34 times the input's
    memory. Deviation from DCNv2: offsets are not limited.

    Arguments and errors are those of `MultiScaleAttention`.
    """

    def _build_scales(self, in_channels: int, hidden: int) -> None:
        self.conv1x1 = nn.Conv2d(in_channels, hidden, kernel_size=1)
        self.conv3x3 = nn.Conv2d(hidden, hidden, kernel_size=3, padding=1)
        self.conv5x5 = nn.Conv2d(hidden, hidden, kernel_size=5, padding=2)
        # Two coordinates and a modulation for each of the 9 and of the 25 taps.
        self.offset_conv = nn.Conv2d(hidden, 3 * (9 + 25), kernel_size=3, padding=1)

    def init_weights(self) -> None:
        """Restore the identity and the regular sampling; mmengine calls this after `init_cfg`."""
        super().init_weights()
        nn.init.zeros_(self.offset_conv.weight)
        nn.init.zeros_(self.offset_conv.bias)

    def scales(self, x: Tensor) -> Tensor:
        from torchvision.ops import deform_conv2d  # takes a second, which few need

        reduced = self.conv1x1(x)
        sampling = self.offset_conv(reduced)
        scales, first = [reduced], 0
        for conv in (self.conv3x3, self.conv5x5):
            taps = conv.kernel_size[0] ** 2
            offsets, modulation = sampling[:, first : first + 3 * taps].split([2 * taps, taps], 1)
            # torchvision has no 16-bit kernel for CPUs.
            dtype = torch.promote_types(reduced.dtype, torch.float32)
            sampled = deform_conv2d(
                reduced.to(dtype),
                offsets.to(dtype),
                conv.weight.to(dtype),
                conv.bias.to(dtype),
                padding=conv.padding,
                mask=2 * modulation.to(dtype).sigmoid(),
            )
            scales.append(sampled.to(reduced.dtype))
            first += 3 * taps
        return torch.cat(scales, dim=1)
