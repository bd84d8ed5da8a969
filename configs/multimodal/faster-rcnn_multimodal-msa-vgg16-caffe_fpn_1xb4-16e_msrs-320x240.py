# The laptop's detector on one GPU: four pairs a step, twice the epochs, and all stages but the first learn.
_base_ = 'faster-rcnn_multimodal-msa-vgg16-caffe_fpn_1xb1-8e_msrs-320x240.py'
model = dict(backbone=dict(frozen_stages=1))
train_dataloader = dict(batch_size=4)
train_cfg = dict(max_epochs=16)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(
        type='CosineAnnealingLR',
        T_max=16,
        eta_min=1e-6,
        by_epoch=True,
        convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=4)
