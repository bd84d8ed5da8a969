_base_ = [
    '../_base_/models/retinanet_msa-vgg16_fpn.py', '../_base_/datasets/coco_detection.py',
    '../_base_/schedules/schedule_1x.py', '../_base_/default_runtime.py'
]
# As in mmdet: half of Faster R-CNN's learning rate.
optim_wrapper = dict(optimizer=dict(lr=0.01))
