# U-Net (https://arxiv.org/abs/1505.04597) with VGG16-MSA as the encoder. The weights and the
# preprocessor belong together: change both or neither. num_classes are VOC's 21.
custom_imports = dict(imports=['msa_backbone'], allow_failed_imports=False)
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255),
    backbone=dict(
        type='MSAVGG',
        depth=16,
        # The skips are the stages' last maps before their pools: strides 1, 2, 4, 8, 16.
        out_before_pool=True,
        attention=dict(type='MultiScaleAttention', reduction_ratio=16),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')),
    decode_head=dict(
        type='UNetHead',
        in_channels=(64, 128, 256, 512, 512),
        decoder_channels=(32, 64, 128, 256, 256),
        norm_cfg=norm_cfg,
        num_classes=21,
        dropout_ratio=0.1,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
