# VGG16-MSA as the backbone of any detector. The weights and the preprocessor belong together: change
# both or neither.
custom_imports = dict(imports=['msa_backbone'], allow_failed_imports=False)
model = dict(
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32),
    backbone=dict(
        type='MSAVGG',
        depth=16,
        out_indices=(1, 2, 3, 4),
        frozen_stages=1,
        attention=dict(type='MultiScaleAttention', reduction_ratio=16),
        # After the pools of the stages that train; stage 1 is frozen, attention there would be idle.
        attention_positions=(9, 16, 23, 30),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')))
