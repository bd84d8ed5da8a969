"""What cannot be exported is refused by name, with the mend."""

import pytest
from exported_models import build, small_config

from msa_backbone.errors import DataError
from msa_backbone.export.models.build import as_tensor_function
from msa_backbone.tasks import task_of

SOFT = {"type": "soft_nms", "iou_threshold": 0.5}
SEESAW = {"type": "SeesawLoss", "_delete_": True, "num_classes": 5}
DA_HEAD = {"type": "DAHead", "_delete_": True, "in_channels": 64, "channels": 16}
DA_HEAD |= {"pam_channels": 16, "num_classes": 5}
ROI_POOL = {"_delete_": True, "type": "RoIPool", "output_size": 7}


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        (
            "faster-rcnn",
            {"model.test_cfg.rcnn.nms": SOFT},
            "FasterRCNN with nms=.*soft_nms.* cannot be exported: use dict\\(type='nms'",
        ),
        (
            "faster-rcnn",
            {"model.roi_head.bbox_roi_extractor.roi_layer": ROI_POOL},
            "SingleRoIExtractor of RoIPool cannot be exported: use SingleRoIExtractor with RoIAl",
        ),
        (
            "retinanet",
            {
                "model.bbox_head.type": "ATSSHead",
                "model.train_cfg.assigner": {"type": "ATSSAssigner", "_delete_": True, "topk": 9},
                "model.bbox_head.anchor_generator.octave_base_scale": 8,
            },
            "RetinaNet with ATSSHead cannot be exported: Faster R-CNN, Mask R-CNN and RetinaNet",
        ),
        (
            "fcn",
            {"model.test_cfg": {"mode": "slide", "crop_size": (64, 64), "stride": (32, 32)}},
            "EncoderDecoder with test_cfg mode='slide' .*: set model.test_cfg.mode='whole'",
        ),
        (
            "faster-rcnn",
            {"model.roi_head.bbox_head.loss_cls": SEESAW},
            "FasterRCNN with SeesawLoss .*: it scores classes in its own way; train with Cross",
        ),
        (
            "fcn",
            {"model.decode_head": DA_HEAD},
            "EncoderDecoder with DAHead .*: use a head that predicts as mmseg's BaseDecodeHead",
        ),
        (
            "classifier",
            {
                "model.head": {
                    "type": "MultiLabelLinearClsHead",
                    "_delete_": True,
                    "num_classes": 5,
                    "in_channels": 64,
                }
            },
            "ImageClassifier with MultiLabelLinearClsHead .*: use a head for one class a picture",
        ),
        (
            "classifier",
            {
                "model.head": {
                    "type": "LinearRegressionHead",
                    "_delete_": True,
                    "num_classes": 5,
                    "in_channels": 64,
                }
            },
            "ImageClassifier with LinearRegressionHead .*: use a head for one class a picture",
        ),
    ],
)
def test_other_models_are_refused(kind, options, reason):
    cfg = small_config(kind)
    task = task_of(cfg)
    cfg.merge_from_dict(options)
    with pytest.raises(DataError, match=reason):
        as_tensor_function(build(cfg), task)
