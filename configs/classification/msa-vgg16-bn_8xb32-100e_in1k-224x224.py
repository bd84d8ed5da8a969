# ImageNet-1k from random weights, on 8 GPUs with 32 pictures each. Attention behind the pools, as
# detectors have it: the checkpoint starts them with --weights.
_base_ = [
    '../_base_/models/msa-vgg16-bn_classifier.py', '../_base_/datasets/imagenet.py',
    '../_base_/schedules/schedule_classification.py', '../_base_/classification_runtime.py'
]
optim_wrapper = dict(optimizer=dict(weight_decay=0.0001))
auto_scale_lr = dict(base_batch_size=256)
