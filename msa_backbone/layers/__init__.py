"""Attention modules: channels first, shape-preserving, registered in mmengine's MODELS."""

from .multi_scale_attention import MultiScaleAttention, spatial_statistics

__all__ = ["MultiScaleAttention", "spatial_statistics"]
