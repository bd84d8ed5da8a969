# Faster R-CNN with RGB and infrared on MSRS, from ImageNet weights in both streams.
_base_ = [
    '../_base_/models/faster-rcnn_msa-vgg16_fpn.py', '../_base_/datasets/msrs_detection.py',
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
        depth=16,
        out_indices=(1, 2, 3, 4),
        frozen_stages=1,
        # Both streams start from the same weights: from their sum, the second one is heard at once.
        fusion=dict(
            type='MultiModalAttention',
            reduction_ratio=16,
            pass_through=True,
            layer_scale_init_value=1.0),
        attention_positions=(9, 16, 23, 30),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')),
    roi_head=dict(bbox_head=dict(num_classes=3)))
# One GPU with 4 pairs a step.
optim_wrapper = dict(
    optimizer=dict(lr=0.005),
    # The second camera comes through the fusions alone: they learn as fast as the rest.
    paramwise_cfg=dict(custom_keys={'backbone.attentions.': dict(lr_mult=1.0)}))
auto_scale_lr = dict(base_batch_size=4)
