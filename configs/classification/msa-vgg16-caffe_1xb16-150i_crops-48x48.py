# For small pictures, such as tools/make_crops.py cuts, on a laptop's CPU: tools/train.py with
# --data ROOT and --weights FILE, an ImageNet VGG16 with Oxford's (Caffe) input: BGR, 0..255, mean
# subtracted.
_base_ = [
    '../_base_/models/msa-vgg16_classifier.py', '../_base_/datasets/crops_classification.py',
    '../_base_/classification_runtime.py'
]
model = dict(
    data_preprocessor=dict(
        num_classes=11, mean=[103.939, 116.779, 123.68], std=[1.0, 1.0, 1.0], to_rgb=False),
    backbone=dict(
        # The first two stages keep their ImageNet weights; attention there would be idle.
        frozen_stages=2,
        attention_positions=(16, 23, 30),
        init_cfg=dict(type='Pretrained', checkpoint='vgg16_caffe.pth')),
    head=dict(num_classes=11))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=150, val_interval=150)
val_cfg = dict()
test_cfg = dict()
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=15),
    dict(type='CosineAnnealingLR', T_max=135, eta_min=1e-6, begin=15, end=150, by_epoch=False),
]
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05, fused=True),
    # Adam's steps do not shrink with the weights: at the head's rate they would wreck trained ones.
    paramwise_cfg=dict(
        custom_keys={
            'backbone.features.': dict(lr_mult=0.02),
            'backbone.attentions.': dict(lr_mult=0.1)
        }))
default_hooks = dict(
    logger=dict(interval=25, log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=150))
log_processor = dict(by_epoch=False)
auto_scale_lr = dict(base_batch_size=16)
