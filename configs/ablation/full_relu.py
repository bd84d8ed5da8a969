# Before the pools of the last three stages, behind the last ReLU.
_base_ = '../detection/faster-rcnn_msa-vgg16-caffe_fpn_1xb1-5e_320x240.py'
model = dict(backbone=dict(attention_positions=(15, 22, 29)))
