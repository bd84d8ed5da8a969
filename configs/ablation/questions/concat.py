# The question beside the picture's features, in front of the last layers.
_base_ = '../../multimodal/vqa_msa-vgg16-bn-c16_1xb128-4k_easyvqa-64x64.py'
model = dict(
    conditioning='concat',
    backbone=dict(
        attention=dict(
            _delete_=True, type='MultiScaleAttention', reduction_ratio=2, gate_norm=True)))
optim_wrapper = dict(paramwise_cfg=dict(_delete_=True))  # one learning rate
