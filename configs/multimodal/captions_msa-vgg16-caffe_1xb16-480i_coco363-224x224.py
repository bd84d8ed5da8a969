# A few hundred captioned pictures of your own (--data ROOT) on a laptop, from Caffe's ImageNet weights
# (--weights). The first three stages keep them. The best checkpoint by val is the one to take.
_base_ = 'captions_msa-vgg16_1xb32-40k_coco-224x224.py'
train_dataloader = dict(batch_size=16)
model = dict(
    data_preprocessor=dict(mean=[103.939, 116.779, 123.68], std=[1.0] * 3, to_rgb=False),
    vocabulary=dict(min_frequency=3),
    backbone=dict(
        frozen_stages=3, init_cfg=dict(type='Pretrained', checkpoint='vgg16_caffe.pth')))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=30),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=30, end=480),
]
train_cfg = dict(max_iters=480, val_interval=60)
default_hooks = dict(checkpoint=dict(interval=240))
