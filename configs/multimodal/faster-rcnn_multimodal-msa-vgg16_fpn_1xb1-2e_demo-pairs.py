# The demo's detector for two cameras: make demo-pairs. Batch norm, from scratch, in minutes.
_base_ = [
    '../_base_/models/faster-rcnn_msa-vgg16-c16_fpn.py',
    '../_base_/datasets/demo_pairs_detection.py', '../_base_/schedules/schedule_demo.py',
    '../_base_/default_runtime.py'
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
        zero_init=False))  # from random weights: a residual start would cost the second camera
default_hooks = dict(logger=dict(interval=10))
