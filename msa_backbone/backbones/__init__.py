"""VGG with attention: the multi-level backbones for one and several modalities, the classifier."""

from .msa_vgg import MSAVGG
from .multi_modal_msa_vgg import MultiModalMSAVGG
from .vgg_classifier import VGGClassifier, vgg16_msa

__all__ = ["MSAVGG", "MultiModalMSAVGG", "VGGClassifier", "vgg16_msa"]
