# The same from random weights, with what training from scratch needs: a normalised input, norms in
# the backbone (https://arxiv.org/abs/1811.08883, section 3.1) and a higher learning rate.
_base_ = 'unet_msa-vgg16-caffe_1xb2-1k_camvid-128x128.py'
model = dict(
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    backbone=dict(norm_cfg=dict(type='BN', requires_grad=True), init_cfg=None))
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys=dict(_delete_=True, **{'backbone.': dict(lr_mult=0.25)})))
