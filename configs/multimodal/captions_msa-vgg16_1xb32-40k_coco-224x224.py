# Captions of COCO's images (Karpathy's split is not used: train2017 and val2017), from torchvision's
# weights; their layers learn at a tenth of the decoder's rate. With --data ROOT, your own pictures.
_base_ = 'captions_msa-vgg16-bn-c16_1xb32-4k_demo-64x64.py'
data_root = 'data/coco/'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(224, 224)),
    dict(
        type='PackInputs',
        algorithm_keys=('gt_caption', ),
        meta_keys=('img_path', 'ori_shape', 'img_shape')),
]
train_dataloader = dict(
    num_workers=2,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/captions_train2017.json',
        data_prefix=dict(img='train2017'),
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/captions_val2017.json',
        data_prefix=dict(img='val2017'),
        pipeline=train_pipeline))
test_dataloader = val_dataloader
model = dict(
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
    vocabulary=dict(size=10000, min_frequency=5),
    backbone=dict(
        _delete_=True,
        type='MSAVGG',
        out_indices=(3, 4),
        frozen_stages=2,
        attention_positions=(23, 30),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16')),
    decoder=dict(channels=512, num_heads=8, num_layers=3),
    longest=30)
optim_wrapper = dict(
    optimizer=dict(lr=2e-4),
    paramwise_cfg=dict(custom_keys={'backbone.features.': dict(lr_mult=0.1)}))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=1000),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=1000, end=40000),
]
train_cfg = dict(max_iters=40000, val_interval=4000)
default_hooks = dict(checkpoint=dict(interval=4000))
