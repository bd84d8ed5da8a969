# VGG16-MSA with global average pooling and one linear layer. The weights and the preprocessor belong
# together: change both or neither.
custom_imports = dict(imports=['msa_backbone'], allow_failed_imports=False)
model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(
        type='ClsDataPreprocessor',
        num_classes=1000,
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True),
    backbone=dict(
        type='MSAVGG',
        depth=16,
        out_indices=(4,),
        attention=dict(type='MultiScaleAttention', reduction_ratio=16),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=1000,
        in_channels=512,
        topk=(1,),
        loss=dict(type='CrossEntropyLoss', loss_weight=1.0)))
