# Faster R-CNN in its original single-level form (https://arxiv.org/abs/1506.01497): conv5_3 at
# stride 16, 9 anchors, RoIs of 7x7, fc6 and fc7 of VGG16 as the head.
_base_ = 'faster-rcnn_msa-vgg16_fpn.py'
model = dict(
    backbone=dict(
        out_indices=(4, ),
        out_before_pool=True,
        frozen_stages=2,
        # Behind pool3, pool4 and conv5_3's ReLU, the output itself.
        attention_positions=(16, 23, 29)),
    neck=None,
    rpn_head=dict(
        in_channels=512,
        feat_channels=512,
        anchor_generator=dict(scales=[8, 16, 32], strides=[16])),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=512, featmap_strides=[16]),
        bbox_head=dict(
            type='VGGBBoxHead',
            in_channels=512,
            fc_out_channels=4096,
            dropout=0.5,
            # fc6 and fc7 from the same file where it holds a classifier.
            init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16'))),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=12000, max_per_img=2000),
        rcnn=dict(sampler=dict(num=128))),
    test_cfg=dict(rpn=dict(nms_pre=6000, max_per_img=300)))
