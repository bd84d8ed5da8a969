# Half of the channels in the branches and in the channel gate.
_base_ = '../detection/faster-rcnn_msa-vgg16-caffe_fpn_1xb1-5e_320x240.py'
model = dict(backbone=dict(attention=dict(reduction_ratio=32)))
