# The embedded demo data of two cameras (tools/make_demo_data.py --pairs): digits over photographs,
# each in the visible picture, in the infrared one, or in both.
_base_ = ['demo_detection.py', 'demo_pairs.py']
data_root = 'data/demo-pairs/coco/'
train_pipeline = [
    dict(type='LoadModalities', modalities={{_base_.modalities}}),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1), keep_empty=False),
    dict(type='Resize', scale=(192, 192), keep_ratio=True),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadModalities', modalities={{_base_.modalities}}),
    dict(type='Resize', scale=(192, 192), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]
train_dataloader = dict(
    dataset=dict(
        data_root=data_root, data_prefix=dict(img='visible/train/'), pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(data_root=data_root, data_prefix=dict(img='visible/val/'), pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'annotations/instances_val.json')
test_evaluator = val_evaluator
