# The demo's detector fine-tuned for segmentation: make demo-segmentation. Its backbone is taken from
# the detector's checkpoint; --weights FILE does the same from the command line.
_base_ = [
    '../_base_/models/unet_msa-vgg16.py', '../_base_/datasets/demo_segmentation.py',
    '../_base_/schedules/schedule_40k.py', '../_base_/segmentation_runtime.py'
]
model = dict(
    data_preprocessor=dict(size=(192, 192)),
    backbone=dict(
        base_channels=16,
        norm_cfg=dict(type='BN'),
        attention=dict(reduction_ratio=8),
        # Where the detector has them; the one behind the last pool has no place in a U-Net.
        attention_positions=(4, 9, 16, 23),
        init_cfg=dict(type='Pretrained', checkpoint='work_dirs/demo/epoch_2.pth')),
    decode_head=dict(
        in_channels=(16, 32, 64, 128, 128),
        decoder_channels=(16, 32, 64, 64, 64),
        num_classes=11,
        # Strokes are few pixels among many of background.
        loss_decode=dict(
            _delete_=True, type='CrossEntropyLoss', class_weight=[0.1] + [1.0] * 10)))
train_dataloader = dict(batch_size=2)
train_cfg = dict(max_iters=600, val_interval=300)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', T_max=550, eta_min=1e-5, begin=50, end=600, by_epoch=False),
]
# The backbone knows digits already: it moves slowly, and the decoder fast.
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=3e-3, weight_decay=0.05, fused=True),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=600))
auto_scale_lr = dict(base_batch_size=2)
