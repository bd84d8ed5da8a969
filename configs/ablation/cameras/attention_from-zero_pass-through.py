# Multi-Scale Attention over both streams, which starts without the second one: it passes in full once s has grown.
_base_ = '../../multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py'
model = dict(backbone=dict(fusion=dict(pass_through=True, layer_scale_init_value=0.0)))
