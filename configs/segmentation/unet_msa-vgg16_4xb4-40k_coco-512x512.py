_base_ = [
    '../_base_/models/unet_msa-vgg16.py', '../_base_/datasets/coco_semantic.py',
    '../_base_/schedules/schedule_40k.py', '../_base_/segmentation_runtime.py'
]
model = dict(data_preprocessor=dict(size=(512, 512)), decode_head=dict(num_classes=81))
