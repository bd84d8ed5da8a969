# Both streams side by side, projected by a 1x1 convolution.
_base_ = '../../multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py'
model = dict(backbone=dict(fusion=dict(_delete_=True, type='ConcatFusion')))
