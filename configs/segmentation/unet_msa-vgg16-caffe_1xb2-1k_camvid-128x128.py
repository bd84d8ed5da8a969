# For CamVid, or your own small set of photos, on a laptop's CPU: tools/train.py with --data ROOT and
# --weights FILE, an ImageNet VGG16 with Oxford's (Caffe) input: BGR, 0..255, mean subtracted.
_base_ = [
    '../_base_/models/unet_msa-vgg16.py', '../_base_/datasets/camvid.py',
    '../_base_/schedules/schedule_40k.py', '../_base_/segmentation_runtime.py'
]
crop_size = (128, 128)
model = dict(
    data_preprocessor=dict(
        mean=[103.939, 116.779, 123.68], std=[1.0, 1.0, 1.0], bgr_to_rgb=False, size=crop_size),
    backbone=dict(
        # Before the pools of the last three stages: on the two large maps it costs the most.
        attention_positions=(15, 22, 29),
        init_cfg=dict(type='Pretrained', checkpoint='vgg16_caffe.pth')),
    decode_head=dict(
        # Two images are too few for batch norm.
        norm_cfg=dict(_delete_=True, type='GN', num_groups=8),
        num_classes=11))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(256, 192), ratio_range=(0.75, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(256, 192), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(batch_size=2, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
train_cfg = dict(max_iters=1000, val_interval=100)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', T_max=950, eta_min=1e-6, begin=50, end=1000, by_epoch=False),
]
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=2e-3, weight_decay=0.05, fused=True),
    # Adam's steps do not shrink with the weights: at the head's rate they would wreck trained ones.
    paramwise_cfg=dict(
        custom_keys={
            'backbone.features.': dict(lr_mult=0.02),
            'backbone.attentions.': dict(lr_mult=0.1)
        }))
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=1000))
auto_scale_lr = dict(base_batch_size=2)
