# U-Net for the demo data of two cameras. Batch norm, from scratch, in minutes.
_base_ = [
    '../_base_/models/unet_msa-vgg16.py', '../_base_/datasets/demo_pairs_segmentation.py',
    '../_base_/schedules/schedule_40k.py', '../_base_/segmentation_runtime.py'
]
model = dict(
    data_preprocessor=dict(
        _delete_=True,
        type='MultiModalPreprocessor',
        modalities={{_base_.modalities}},
        # Either camera may fail: by sending nothing, or a black picture.
        dropout=dict(absent=0.1, black=0.1),
        then=dict(
            type='SegDataPreProcessor', size=(192, 192), pad_val=0, seg_pad_val=255)),
    backbone=dict(
        _delete_=True,
        type='MultiModalMSAVGG',
        in_channels=(3, 1),
        base_channels=16,
        out_before_pool=True,
        norm_cfg=dict(type='BN'),
        fusion=dict(type='MultiModalAttention', reduction_ratio=8, pass_through=True),
        zero_init=False),  # from random weights: a residual start would cost the second camera
    decode_head=dict(
        in_channels=(16, 32, 64, 128, 128),
        decoder_channels=(16, 32, 64, 64, 64),
        num_classes=11,
        # Strokes are few pixels among many of background.
        loss_decode=dict(
            _delete_=True, type='CrossEntropyLoss', class_weight=[0.1] + [1.0] * 10)))
train_dataloader = dict(batch_size=4)
train_cfg = dict(max_iters=1000, val_interval=250)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', T_max=950, eta_min=1e-5, begin=50, end=1000, by_epoch=False),
]
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=3e-3, weight_decay=0.05, fused=True),
    # The second camera comes through the fusions alone: they learn as fast as the rest.
    paramwise_cfg=dict(custom_keys={'backbone.attentions.': dict(lr_mult=1.0)}))
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=1000))
auto_scale_lr = dict(base_batch_size=4)
