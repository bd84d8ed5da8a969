# 200 kinds of birds, from ImageNet weights. Those of msa-vgg16-bn_8xb32-100e_in1k-224x224 bring their
# attention: --weights CHECKPOINT.
_base_ = [
    '../_base_/models/msa-vgg16-bn_classifier.py', '../_base_/datasets/cub.py',
    '../_base_/schedules/schedule_classification.py', '../_base_/classification_runtime.py'
]
model = dict(
    data_preprocessor=dict(num_classes=200),
    backbone=dict(init_cfg=dict(
            _delete_=True, type='Pretrained', checkpoint='torchvision://vgg16_bn')),
    head=dict(num_classes=200))
optim_wrapper = dict(
    optimizer=dict(lr=0.01),
    paramwise_cfg=dict(custom_keys={'backbone.attentions.': dict(lr_mult=0.1)}))
auto_scale_lr = dict(base_batch_size=64)
