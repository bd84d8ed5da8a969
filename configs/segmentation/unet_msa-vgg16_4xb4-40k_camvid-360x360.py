_base_ = [
    '../_base_/models/unet_msa-vgg16.py', '../_base_/datasets/camvid.py',
    '../_base_/schedules/schedule_40k.py', '../_base_/segmentation_runtime.py'
]
model = dict(data_preprocessor=dict(size=(360, 360)), decode_head=dict(num_classes=11))
