"""Decoders in plain torch: from a backbone's feature maps back to high resolution."""

from .unet import UNetDecoder

__all__ = ["UNetDecoder"]
