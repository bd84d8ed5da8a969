# Early fusion: the channels of both cameras, stacked, into one plain VGG16, of which all stages learn.
_base_ = '../../multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py'
model = dict(
    backbone=dict(
        in_channels=(4, ), frozen_stages=0, fusion=dict(_delete_=True, type='SumFusion')))
