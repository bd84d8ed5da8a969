# The 3x3 and the 5x5 branch sample where the input tells them to.
_base_ = '../detection/faster-rcnn_msa-vgg16-caffe_fpn_1xb1-5e_320x240.py'
model = dict(backbone=dict(attention=dict(_delete_=True, type='DeformableMultiScaleAttention')))
