# The demos' Faster R-CNN, for a quarter of VGG16's width and ten digits: few channels, few samples.
_base_ = 'faster-rcnn_msa-vgg16_fpn.py'
model = dict(
    neck=dict(in_channels=[32, 64, 128, 128], out_channels=64, norm_cfg=dict(_delete_=True, type='BN')),
    rpn_head=dict(in_channels=64, feat_channels=64, anchor_generator=dict(scales=[5])),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=64, roi_layer=dict(sampling_ratio=2)),
        bbox_head=dict(in_channels=64, fc_out_channels=256, num_classes=10)),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=128)),
        rpn_proposal=dict(nms_pre=500, max_per_img=200),
        rcnn=dict(sampler=dict(num=128, pos_fraction=0.5))),
    test_cfg=dict(rpn=dict(nms_pre=300, max_per_img=100), rcnn=dict(max_per_img=30)))
