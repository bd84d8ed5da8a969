# MSRS with its index masks of nine classes below data/msrs/masks/; visible/{train,val,test}/ and
# infrared/ have the masks' file names.
_base_ = ['camvid.py', 'msrs.py']
data_root = 'data/msrs/'
metainfo = dict(
    _delete_=True,
    classes=('unlabelled', 'car', 'person', 'bike', 'curve', 'car stop', 'guardrail', 'colour cone',
             'bump'),
    palette=[[0, 0, 0], [64, 0, 128], [64, 64, 0], [0, 128, 192], [0, 0, 192], [128, 128, 0],
             [64, 64, 128], [192, 128, 128], [192, 64, 0]])
crop_size = (480, 480)
train_pipeline = [
    dict(type='LoadModalities', modalities={{_base_.modalities}}),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(640, 480), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='OnModality', transforms=[dict(type='PhotoMetricDistortion')]),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadModalities', modalities={{_base_.modalities}}),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        metainfo=metainfo,
        img_suffix='.png',
        data_prefix=dict(img_path='visible/train'),
        pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        metainfo=metainfo,
        img_suffix='.png',
        data_prefix=dict(img_path='visible/val'),
        pipeline=test_pipeline))
test_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        metainfo=metainfo,
        img_suffix='.png',
        data_prefix=dict(img_path='visible/test'),
        pipeline=test_pipeline))
