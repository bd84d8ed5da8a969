# Early fusion: the channels of both cameras, stacked, into one plain VGG16.
_base_ = '../../multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py'
model = dict(backbone=dict(in_channels=(4, ), fusion=dict(_delete_=True, type='SumFusion')))
