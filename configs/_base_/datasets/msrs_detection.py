# MSRS with boxes of persons, bicycles and cars (https://github.com/Lele-3/MSRS-detection-label) as COCO
# files below data/msrs/annotations/; visible/{train,val,test}/ and infrared/ have equal file names but
# for the suffix.
_base_ = ['coco_detection.py', 'msrs.py']
data_root = 'data/msrs/'
metainfo = dict(classes=('person', 'bicycle', 'car'))
train_pipeline = [
    dict(type='LoadModalities', modalities={{_base_.modalities}}),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1), keep_empty=False),
    dict(type='Resize', scale=(640, 480), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='OnModality', transforms=[dict(type='PhotoMetricDistortion')]),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadModalities', modalities={{_base_.modalities}}),
    dict(type='Resize', scale=(640, 480), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        data_root=data_root,
        metainfo=metainfo,
        ann_file='annotations/fusion_train.json',
        data_prefix=dict(img='visible/train/'),
        pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        metainfo=metainfo,
        ann_file='annotations/fusion_val.json',
        data_prefix=dict(img='visible/val/'),
        pipeline=test_pipeline))
test_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        metainfo=metainfo,
        ann_file='annotations/fusion_test.json',
        data_prefix=dict(img='visible/test/'),
        pipeline=test_pipeline))
val_evaluator = dict(ann_file=data_root + 'annotations/fusion_val.json', classwise=True)
test_evaluator = dict(ann_file=data_root + 'annotations/fusion_test.json', classwise=True)
