# FiLM in place of attention: the question scales and shifts the features.
_base_ = '../../multimodal/vqa_msa-vgg16-bn-c16_1xb128-4k_easyvqa-64x64.py'
model = dict(
    backbone=dict(
        attention=dict(_delete_=True, type='FiLM', text_channels=64), zero_init=False))
optim_wrapper = dict(paramwise_cfg=dict(_delete_=True))  # one learning rate
