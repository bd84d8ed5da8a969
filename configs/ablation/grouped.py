# Channels in four groups, each with an attention of its own.
_base_ = '../detection/faster-rcnn_msa-vgg16-caffe_fpn_1xb1-5e_320x240.py'
model = dict(backbone=dict(attention=dict(_delete_=True, type='GroupedMultiScaleAttention', groups=4)))
