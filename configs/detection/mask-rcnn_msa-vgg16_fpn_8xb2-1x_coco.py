_base_ = [
    '../_base_/models/mask-rcnn_msa-vgg16_fpn.py', '../_base_/datasets/coco_instance.py',
    '../_base_/schedules/schedule_1x.py', '../_base_/default_runtime.py'
]
