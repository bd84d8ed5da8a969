# The same from random weights, whose backbone needs a higher learning rate.
_base_ = 'unet_msa-vgg16-caffe_300_camvid-128x128.py'
model = dict(backbone=dict(init_cfg=None))
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'backbone.features.': dict(lr_mult=0.25)}))
