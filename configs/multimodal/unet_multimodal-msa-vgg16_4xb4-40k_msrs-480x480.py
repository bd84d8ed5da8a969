# U-Net with RGB and infrared on MSRS, from ImageNet weights in both streams.
_base_ = [
    '../_base_/models/unet_msa-vgg16.py', '../_base_/datasets/msrs_segmentation.py',
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
            type='SegDataPreProcessor', size=(480, 480), pad_val=0, seg_pad_val=255)),
    backbone=dict(
        _delete_=True,
        type='MultiModalMSAVGG',
        in_channels=(3, 1),
        depth=16,
        out_before_pool=True,
        # Both streams start from the same weights: from their sum, the second one is heard at once.
        fusion=dict(
            type='MultiModalAttention',
            reduction_ratio=16,
            pass_through=True,
            layer_scale_init_value=1.0),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')),
    decode_head=dict(num_classes=9))
# The second camera comes through the fusions alone: they learn as fast as the rest.
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'backbone.attentions.': dict(lr_mult=1.0)}))
