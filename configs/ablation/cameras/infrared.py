# The infrared camera alone, plain VGG16.
_base_ = '../../multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py'
model = dict(
    data_preprocessor=dict(only=['infrared'], dropout=None),
    backbone=dict(in_channels=(1, ), fusion=dict(_delete_=True, type='SumFusion')))
