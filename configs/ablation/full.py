# Multi-Scale Attention as it is.
_base_ = '../detection/faster-rcnn_msa-vgg16-caffe_fpn_1xb1-5e_320x240.py'
