# Multi-Scale Attention over both streams.
_base_ = '../../multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py'
model = dict(backbone=dict(fusion=dict(pass_through=False, layer_scale_init_value=None)))
