# A quarter of VGG16's width with batch norm, trained from scratch on the demo data in minutes.
_base_ = [
    '../_base_/models/faster-rcnn_msa-vgg16-c16_fpn.py', '../_base_/datasets/demo_detection.py',
    '../_base_/schedules/schedule_demo.py', '../_base_/default_runtime.py'
]
model = dict(
    backbone=dict(
        base_channels=16,
        frozen_stages=0,
        norm_cfg=dict(type='BN'),
        attention=dict(reduction_ratio=8),
        attention_positions='pool',
        init_cfg=None))
default_hooks = dict(logger=dict(interval=10))
