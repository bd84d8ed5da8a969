# For your own small data set on a laptop's CPU: tools/train.py with --data ROOT
_base_ = [
    '../_base_/models/faster-rcnn_msa-vgg16_fpn.py', '../_base_/datasets/coco_detection.py',
    '../_base_/schedules/schedule_1x.py', '../_base_/default_runtime.py'
]
model = dict(
    # 240 rows need no padding to 256: the pyramid takes any size.
    data_preprocessor=dict(pad_size_divisor=16),
    # As in the original Faster R-CNN, the first two stages keep their ImageNet weights.
    backbone=dict(frozen_stages=2, attention_positions=(16, 23, 30)),
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
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1), keep_empty=False),
    dict(type='Resize', scale=(320, 240), keep_ratio=True),
    dict(
        type='RandomFlip',
        prob=[0.25, 0.25, 0.25],
        direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(320, 240), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]
# One image a step: in a short schedule twice the steps are worth more than smoother ones.
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=5, val_interval=1)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        T_max=5,
        eta_min=1e-6,
        by_epoch=True,
        convert_to_iter_based=True),
]
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=2e-4, weight_decay=0.05, fused=True),
    paramwise_cfg=dict(custom_keys={'backbone.features.': dict(lr_mult=0.5)}))
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=1))
auto_scale_lr = dict(base_batch_size=1)
