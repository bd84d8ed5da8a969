_base_ = [
    '../_base_/models/fcn_msa-vgg16.py', '../_base_/datasets/voc12_aug.py',
    '../_base_/schedules/schedule_40k.py', '../_base_/segmentation_runtime.py'
]
model = dict(data_preprocessor=dict(size=(512, 512)))
