# The same for training from random weights: batch norm behind every convolution, and labels smoothed.
_base_ = 'msa-vgg16_classifier.py'
model = dict(
    backbone=dict(norm_cfg=dict(type='BN'), init_cfg=None),
    head=dict(loss=dict(_delete_=True, type='LabelSmoothLoss', label_smooth_val=0.1)))
