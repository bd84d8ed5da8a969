# Multi-Scale Attention over both streams, in both directions: the second one receives from the first.
_base_ = '../../multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py'
model = dict(backbone=dict(fusion=dict(pass_through=True), exchange=True))
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'backbone.exchanges.': dict(lr_mult=1.0)}))
