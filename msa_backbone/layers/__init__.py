"""Attention modules: channels first, shape-preserving, registered in mmengine's MODELS."""

from .adaptive_scale import DeformableMultiScaleAttention, SelectiveMultiScaleAttention
from .efficient_attention import AxialAttention, GroupedMultiScaleAttention, LinearAttention
from .multi_scale_attention import MultiScaleAttention
from .peers import TimmAttention
from .statistics import spatial_statistics

__all__ = [
    "AxialAttention",
    "DeformableMultiScaleAttention",
    "GroupedMultiScaleAttention",
    "LinearAttention",
    "MultiScaleAttention",
    "SelectiveMultiScaleAttention",
    "TimmAttention",
    "spatial_statistics",
]
