"""Layers that fuse the feature maps of several modalities: one map out, shaped as the first.

Each is called with the maps x_0 to x_{M-1}, (N, C_m, H, W), x_0 being the reference's, and with
flags of presence; each takes `in_channels`, the C_m, and `zero_init`.
"""

from .cbam_fusion import CBAMFusion
from .concat_fusion import ConcatFusion
from .multi_modal_attention import MultiModalAttention
from .se_fusion import SEFusion
from .sum_fusion import SumFusion

__all__ = ["CBAMFusion", "ConcatFusion", "MultiModalAttention", "SEFusion", "SumFusion"]
