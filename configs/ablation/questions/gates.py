# The question takes part in the gates, and does not scale and shift the features.
_base_ = '../../multimodal/vqa_msa-vgg16-bn-c16_1xb128-4k_easyvqa-64x64.py'
model = dict(backbone=dict(attention=dict(modulate=False)))
