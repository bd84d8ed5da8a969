# CIFAR-10 from random weights, as class folders of 32x32 pictures.
_base_ = [
    '../_base_/models/msa-vgg16-bn_classifier.py', '../_base_/datasets/class_folders.py',
    '../_base_/schedules/schedule_classification.py', '../_base_/classification_runtime.py'
]
data_root = 'data/cifar10/'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(32, 32)),
    # Shifted by up to an eighth of the side; what is new, and what is erased, has the mean colour (BGR).
    dict(type='RandomCrop', crop_size=32, padding=4, pad_val=(104, 116, 124)),
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
    dict(type='Resize', scale=(32, 32)),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline))
model = dict(
    data_preprocessor=dict(num_classes=10),
    # Without the last pool: the last maps have 2x2 locations.
    backbone=dict(out_before_pool=True, attention_positions='relu'),
    head=dict(num_classes=10))
train_cfg = dict(max_epochs=160)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.01,
        by_epoch=True,
        begin=0,
        end=5,
        convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        T_max=155,
        by_epoch=True,
        begin=5,
        end=160,
        convert_to_iter_based=True),
]
