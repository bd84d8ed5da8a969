# The same for a laptop: a quarter of VGG16's width on pictures of 48x48, where the last maps have 3x3
# locations.
_base_ = 'msa-vgg16-bn_1xb128-100e_tinyimagenet50-64x64.py'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(48, 48)),
    # Shifted by up to an eighth of the side; what is new, and what is erased, has the mean colour (BGR).
    dict(type='RandomCrop', crop_size=48, padding=6, pad_val=(104, 116, 124)),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomErasing',
        min_area_ratio=1 / 16,
        max_area_ratio=1 / 16,
        aspect_range=(1.0, 1.0),
        fill_color=(104, 116, 124)),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(48, 48)),
    dict(type='PackInputs'),
]
train_dataloader = dict(num_workers=0, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(num_workers=0, dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(num_workers=0, dataset=dict(pipeline=test_pipeline))
model = dict(backbone=dict(base_channels=16), head=dict(in_channels=128))
train_cfg = dict(max_epochs=20)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.01,
        by_epoch=True,
        begin=0,
        end=3,
        convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        T_max=17,
        by_epoch=True,
        begin=3,
        end=20,
        convert_to_iter_based=True),
]
