# A quarter of VGG16's width with batch norm, trained from scratch on the demo data in minutes.
_base_ = [
    '../_base_/models/faster-rcnn_msa-vgg16_fpn.py', '../_base_/datasets/demo_detection.py',
    '../_base_/schedules/schedule_1x.py', '../_base_/default_runtime.py'
]
model = dict(
    backbone=dict(
        base_channels=16,
        frozen_stages=0,
        norm_cfg=dict(type='BN'),
        attention=dict(reduction_ratio=8),
        attention_positions='pool',
        init_cfg=None),
    neck=dict(in_channels=[32, 64, 128, 128], out_channels=64, norm_cfg=dict(_delete_=True, type='BN')),
    rpn_head=dict(in_channels=64, feat_channels=64, anchor_generator=dict(scales=[5])),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=64, roi_layer=dict(sampling_ratio=2)),
        bbox_head=dict(in_channels=64, fc_out_channels=256, num_classes=10)),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=128)),
        rpn_proposal=dict(nms_pre=500, max_per_img=200),
        rcnn=dict(sampler=dict(num=128, pos_fraction=0.5))),
    test_cfg=dict(rpn=dict(nms_pre=300, max_per_img=100), rcnn=dict(max_per_img=30)))
train_dataloader = dict(batch_size=1)  # many short steps: from scratch the score grows with their number
train_cfg = dict(max_epochs=2)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(
        type='CosineAnnealingLR',
        T_max=2,
        eta_min=1e-5,
        by_epoch=True,
        convert_to_iter_based=True),
]
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.05, fused=True),
    paramwise_cfg=dict(_delete_=True))  # attention learns as fast as the rest
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=1))
custom_hooks = [dict(type='ChannelsLastHook')]  # few channels: a sixth faster on a CPU
auto_scale_lr = dict(base_batch_size=1)
