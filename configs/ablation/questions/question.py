# The question alone, without the picture: what can be guessed.
_base_ = '../../multimodal/vqa_msa-vgg16-bn-c16_1xb128-4k_easyvqa-64x64.py'
model = dict(conditioning='question', backbone=None)
optim_wrapper = dict(paramwise_cfg=dict(_delete_=True))  # one learning rate
