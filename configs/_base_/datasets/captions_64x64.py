# Captioned pictures of 64x64; all captions of a picture are one sample.
data_root = 'data/demo-questions/'
pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(64, 64)),
    dict(
        type='PackInputs',
        algorithm_keys=('gt_caption', ),
        meta_keys=('img_path', 'ori_shape', 'img_shape')),
]
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='PictureCaptionDataset',
        data_root=data_root,
        ann_file='captions_train.json',
        data_prefix=dict(img='images'),
        pipeline=pipeline))
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PictureCaptionDataset',
        data_root=data_root,
        ann_file='captions_val.json',
        data_prefix=dict(img='images'),
        test_mode=True,
        pipeline=pipeline))
test_dataloader = val_dataloader
val_evaluator = [dict(type='CaptionScores')]
test_evaluator = val_evaluator
