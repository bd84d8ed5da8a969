# A weight for each channel and each location of the second stream, by CBAM.
_base_ = '../../multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py'
model = dict(
    backbone=dict(
        fusion=dict(
            _delete_=True, type='CBAMFusion', reduction_ratio=8, layer_scale_init_value=1.0)))
