# The same without attention: what the module adds.
_base_ = 'unet_msa-vgg16-caffe_1xb2-1k_camvid-128x128.py'
model = dict(backbone=dict(attention=None, attention_positions=None))
