# Branches of half the channels, gates that look at normalised statistics, and the second stream in full.
_base_ = '../../multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py'
model = dict(
    backbone=dict(fusion=dict(pass_through=True, gate_norm=True, reduction_ratio=2)))
