# FCN (https://arxiv.org/abs/1411.4038) on VGG16-MSA: the simple baseline, on the last map before the
# fifth pool (stride 16).
_base_ = 'unet_msa-vgg16.py'
model = dict(
    backbone=dict(out_indices=(4, )),
    decode_head=dict(
        _delete_=True,
        type='FCNHead',
        in_channels=512,
        in_index=0,
        channels=256,
        num_convs=2,
        concat_input=False,
        norm_cfg=dict(type='SyncBN', requires_grad=True),
        num_classes=21,
        dropout_ratio=0.1,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0)))
