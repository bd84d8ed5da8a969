# The demo's detector for two cameras: make demo-pairs. Batch norm, from scratch, in minutes.
_base_ = [
    '../_base_/models/faster-rcnn_msa-vgg16_fpn.py', '../_base_/datasets/demo_pairs_detection.py',
    '../_base_/schedules/schedule_1x.py', '../_base_/default_runtime.py'
]
model = dict(
    data_preprocessor=dict(
        _delete_=True,
        type='MultiModalPreprocessor',
        modalities={{_base_.modalities}},
        # Either camera may fail: by sending nothing, or a black picture.
        dropout=dict(absent=0.1, black=0.1),
        then=dict(type='DetDataPreprocessor', pad_size_divisor=32)),
    backbone=dict(
        _delete_=True,
        type='MultiModalMSAVGG',
        in_channels=(3, 1),
        base_channels=16,
        out_indices=(1, 2, 3, 4),
        norm_cfg=dict(type='BN'),
        fusion=dict(type='MultiModalAttention', reduction_ratio=8, pass_through=True),
        attention_positions='pool',
        zero_init=False),  # from random weights: a residual start would cost the second camera
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
    # The second camera comes through the fusions alone: they learn as fast as the rest.
    paramwise_cfg=dict(custom_keys={'backbone.attentions.': dict(lr_mult=1.0)}))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=1))
custom_hooks = [dict(type='ChannelsLastHook')]  # few channels: a fifth faster on a CPU
auto_scale_lr = dict(base_batch_size=1)
