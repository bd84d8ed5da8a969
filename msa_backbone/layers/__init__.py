"""Attention modules: channels first, shape-preserving; configs call them by their names."""

from ..ops.channel_statistics import spatial_statistics
from .deformable_attention import DeformableMultiScaleAttention
from .fusion import CBAMFusion, ConcatFusion, MultiModalAttention, SEFusion, SumFusion
from .grouped_attention import GroupedMultiScaleAttention
from .multi_scale_attention import MultiScaleAttention
from .selective_attention import SelectiveMultiScaleAttention
from .self_attention import AxialAttention, LinearAttention
from .timm_attention import TimmAttention

__all__ = [
    "AxialAttention",
    "CBAMFusion",
    "ConcatFusion",
    "DeformableMultiScaleAttention",
    "GroupedMultiScaleAttention",
    "LinearAttention",
    "MultiModalAttention",
    "MultiScaleAttention",
    "SEFusion",
    "SelectiveMultiScaleAttention",
    "SumFusion",
    "TimmAttention",
    "spatial_statistics",
]
