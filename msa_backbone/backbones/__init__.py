"""VGG with attention: the multi-level backbone and the classifier."""

from .msa_vgg import MSAVGG
from .vgg_classifier import VGGClassifier, vgg16_msa

__all__ = ["MSAVGG", "VGGClassifier", "vgg16_msa"]
