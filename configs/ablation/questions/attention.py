# The question takes part in the gates, and scales and shifts the features: the base as it is.
_base_ = '../../multimodal/vqa_msa-vgg16-bn-c16_1xb128-4k_easyvqa-64x64.py'
