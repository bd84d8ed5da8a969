"""Attention modules: channels first, shape-preserving, registered in mmengine's MODELS."""

from .multi_scale_attention import MultiScaleAttention
from .statistics import spatial_statistics

__all__ = ["MultiScaleAttention", "spatial_statistics"]
