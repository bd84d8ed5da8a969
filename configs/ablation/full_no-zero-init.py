# From random weights of the fusion: not the identity at the start.
_base_ = '../detection/faster-rcnn_msa-vgg16-caffe_fpn_1xb1-5e_320x240.py'
model = dict(backbone=dict(zero_init=False))
