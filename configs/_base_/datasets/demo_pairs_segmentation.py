# The embedded demo data of two cameras (tools/make_demo_data.py --pairs) with index masks.
_base_ = ['demo_segmentation.py', 'demo_pairs.py']
data_root = 'data/demo-pairs/segmentation/'
crop_size = (192, 192)
train_pipeline = [
    dict(type='LoadModalities', modalities={{_base_.modalities}}),
    dict(type='LoadAnnotations'),
    dict(type='RandomCrop', crop_size=crop_size),
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
        data_prefix=dict(img_path='visible/train'),
        pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(
        data_root=data_root, data_prefix=dict(img_path='visible/val'), pipeline=test_pipeline))
test_dataloader = val_dataloader
