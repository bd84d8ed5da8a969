# VGG16 without attention: what the others are compared with.
_base_ = '../detection/faster-rcnn_msa-vgg16-caffe_fpn_1xb1-5e_320x240.py'
model = dict(backbone=dict(attention=None, attention_positions=None))
