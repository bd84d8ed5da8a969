# The same with Oxford's original (Caffe) weights and the input they were trained on: BGR, 0..255,
# mean subtracted, no division. Name your file with --weights. Not every 'caffe' file is BGR: mmdet
# feeds open-mmlab://vgg16_caffe RGB, and torchvision://vgg16.imagenet1k_features is RGB as well.
_base_ = 'faster-rcnn_msa-vgg16_fpn_1xb1-5e_320x240.py'
model = dict(
    data_preprocessor=dict(
        mean=[103.939, 116.779, 123.68], std=[1.0, 1.0, 1.0], bgr_to_rgb=False),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='vgg16_caffe.pth')))
