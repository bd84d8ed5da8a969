"""VGG with attention: the multi-level backbone and the classifier."""

from .classifier import VGGClassifier, vgg16_msa
from .msa_vgg import MSAVGG

__all__ = ["MSAVGG", "VGGClassifier", "vgg16_msa"]
