# Fifty classes of Tiny ImageNet from random weights, as class folders of 64x64 pictures.
_base_ = [
    '../_base_/models/msa-vgg16-bn_classifier.py', '../_base_/datasets/class_folders.py',
    '../_base_/schedules/schedule_classification.py', '../_base_/classification_runtime.py'
]
data_root = 'data/tinyimagenet50/'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(64, 64)),
    # Shifted by up to an eighth of the side; what is new, and what is erased, has the mean colour (BGR).
    dict(type='RandomCrop', crop_size=64, padding=8, pad_val=(104, 116, 124)),
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
    dict(type='Resize', scale=(64, 64)),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline))
model = dict(
    data_preprocessor=dict(num_classes=50),
    # Without the last pool: the last maps have 4x4 locations.
    backbone=dict(out_before_pool=True, attention_positions='relu'),
    head=dict(num_classes=50))
