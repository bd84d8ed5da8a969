# Attention at the head's learning rate.
_base_ = '../detection/faster-rcnn_msa-vgg16-caffe_fpn_1xb1-5e_320x240.py'
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'backbone.attentions.': dict(lr_mult=1.0)}))
