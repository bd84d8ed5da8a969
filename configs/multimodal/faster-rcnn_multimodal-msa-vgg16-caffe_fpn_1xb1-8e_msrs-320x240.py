# The same on a laptop's CPU, from Oxford's original (Caffe) weights: half the size, stages 1 to 3 frozen.
# Name your file with --weights. Its input is BGR, 0..255, mean subtracted, no division.
_base_ = 'faster-rcnn_multimodal-msa-vgg16_fpn_1xb4-12e_msrs-640x480.py'
modalities = [
    dict(name='visible', channels=3, mean=[103.939, 116.779, 123.68]),
    # As rich in contrast as the pictures that the weights were trained on.
    dict(name='infrared', channels=1, mean=29.0, std=0.4),
]
model = dict(
    data_preprocessor=dict(
        # 240 rows need no padding to 256: the pyramid takes any size.
        modalities=modalities, then=dict(pad_size_divisor=16)),
    backbone=dict(
        frozen_stages=3, init_cfg=dict(type='Pretrained', checkpoint='vgg16_caffe.pth')),
    # Half of the usual width in the pyramid and the heads.
    neck=dict(out_channels=128),
    rpn_head=dict(
        in_channels=128,
        feat_channels=128,
        # Objects are small in small images: anchors from 16 pixels on, two sizes an octave.
        anchor_generator=dict(
            _delete_=True,
            type='AnchorGenerator',
            octave_base_scale=4,
            scales_per_octave=2,
            ratios=[0.5, 1.0, 2.0],
            strides=[4, 8, 16, 32, 64])),
    roi_head=dict(bbox_roi_extractor=dict(out_channels=128), bbox_head=dict(in_channels=128)),
    train_cfg=dict(rcnn=dict(sampler=dict(num=128))))
train_pipeline = [
    dict(type='LoadModalities', modalities=modalities),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1), keep_empty=False),
    dict(type='Resize', scale=(320, 240), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadModalities', modalities=modalities),
    dict(type='Resize', scale=(320, 240), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]
# One pair a step: in a short schedule more steps are worth more than smoother ones.
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
train_cfg = dict(max_epochs=8)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        T_max=8,
        eta_min=1e-6,
        by_epoch=True,
        convert_to_iter_based=True),
]
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=2e-4, weight_decay=0.05, fused=True),
    paramwise_cfg=dict(custom_keys={
        'backbone.features.': dict(lr_mult=0.5),
        'backbone.streams.': dict(lr_mult=0.5),
    }))
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=1))
auto_scale_lr = dict(base_batch_size=1)
