# Captions of the demo's coloured digits, "a large red 3 left of a small blue 7", from random weights.
_base_ = ['../_base_/datasets/captions_64x64.py', '../_base_/classification_runtime.py']
model = dict(
    type='MSACaptioner',
    data_preprocessor=dict(
        type='MultiModalDataPreprocessor', mean=[128.0] * 3, std=[64.0] * 3, to_rgb=True),
    vocabulary=dict(kind='word'),
    backbone=dict(
        type='MSAVGG',
        base_channels=16,
        num_stages=4,
        out_indices=(2, 3),
        norm_cfg=dict(type='BN'),
        attention=dict(type='MultiScaleAttention', reduction_ratio=4),
        zero_init=False),
    decoder=dict(channels=128, num_heads=4, num_layers=2, dropout=0.1),
    longest=12,
    beams=3)
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=1e-2), clip_grad=dict(max_norm=5))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=200),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=200, end=4000),
]
train_cfg = dict(by_epoch=False, max_iters=4000, val_interval=500)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    checkpoint=dict(interval=1000, by_epoch=False, save_best='captions/CIDEr', rule='greater'),
    logger=dict(log_metric_by_epoch=False))
log_processor = dict(by_epoch=False)
custom_hooks = [dict(type='ChannelsLastHook')]  # few channels: a fifth faster on a CPU
