# Gates that look at normalised averages and statistics: their sigmoids do not saturate.
_base_ = '../detection/faster-rcnn_msa-vgg16-caffe_fpn_1xb1-5e_320x240.py'
model = dict(backbone=dict(attention=dict(gate_norm=True)))
