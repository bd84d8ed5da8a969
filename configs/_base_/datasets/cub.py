# CUB-200-2011, birds, at 448x448, 8 pictures a GPU. The set has no val split, and the field validates
# on its test split; to choose settings, give --data ROOT with a val split.
dataset_type = 'CUB'
data_root = 'data/CUB_200_2011/'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(600, 600)),
    dict(type='RandomCrop', crop_size=448),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(600, 600)),
    dict(type='CenterCrop', crop_size=448),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type=dataset_type, data_root=data_root, split='train', pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=8,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, data_root=data_root, split='test', pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_evaluator = val_evaluator
