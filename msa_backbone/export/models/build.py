"""Which of the tensor functions stands for a model of the toolboxes."""

from torch import nn

from ...errors import DataError
from ...language.text.text_encoder import GRUTextEncoder
from ...tasks import Task
from .answerer import Answerer, require_symbolic_operators
from .dense_models import Classifier, Segmenter
from .detectors import DenseDetector, TwoStageDetector
from .split_branches import split_branches


def as_tensor_function(model: nn.Module, task: Task) -> nn.Module:
    """A model as a module from tensors to tensors, in the form that is fast in a file.

    Its `outputs` are their names; `reads` says whether it takes tokens behind the pictures.

    Args:
        model: of mmdet, mmseg or mmpretrain, with its weights; narrow attention in it gets
            `SplitBranches`.

    Raises:
        DataError: for a model whose steps differ from those that are written here.
    """
    network = _network(model, task)
    split_branches(model)
    return network.eval()


def _network(model: nn.Module, task: Task) -> nn.Module:
    if task is Task.SEMANTIC_SEGMENTATION:
        _check_segmenter(model)
        return Segmenter(model)
    if task is Task.CAPTIONS:
        raise DataError(
            f"{type(model).__name__} writes word by word, in a loop that is not exported: use its "
            "checkpoint with tools/predict.py"
        )
    if task is Task.QUESTIONS:
        _check_answerer(model)
        return Answerer(model)
    if task is Task.CLASSIFICATION:
        _check_classifier(model)
        return Classifier(model)
    return _detector(model)


def _require(fits: bool, model: nn.Module, found: object, mend: str) -> None:
    if not fits:
        raise DataError(f"{type(model).__name__} with {found} cannot be exported: {mend}")


def _check_segmenter(model: nn.Module) -> None:
    from mmseg.models import EncoderDecoder
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead

    kind = type(model)
    _require(kind is EncoderDecoder, model, "steps of its own", "use mmseg's EncoderDecoder")
    mode = model.test_cfg.get("mode", "whole")
    _require(mode == "whole", model, f"test_cfg mode={mode!r}", "set model.test_cfg.mode='whole'")
    head = type(model.decode_head)
    plain = all(
        getattr(head, name) is getattr(BaseDecodeHead, name)
        for name in ("predict", "predict_by_feat")
    )
    _require(plain, model, head.__name__, "use a head that predicts as mmseg's BaseDecodeHead does")


def _check_classifier(model: nn.Module) -> None:
    from mmpretrain.models import ClsHead, ImageClassifier

    kind = type(model)
    _require(kind is ImageClassifier, model, "steps of its own", "use mmpretrain's ImageClassifier")
    head = type(model.head)
    plain = issubclass(head, ClsHead) and all(
        getattr(head, name) is getattr(ClsHead, name) for name in ("predict", "_get_predictions")
    )
    mend = "use a head for one class a picture, such as LinearClsHead"
    _require(plain, model, head.__name__, mend)


def _check_answerer(model: nn.Module) -> None:
    sees_both = model.backbone is not None and model.text_encoder is not None
    mend = "it answers without looking, or without reading; export one that does both"
    _require(sees_both, model, "half of its input", mend)
    encoder = type(model.text_encoder)
    _require(encoder is GRUTextEncoder, model, encoder.__name__, "use GRUTextEncoder")
    require_symbolic_operators()


def _detector(model: nn.Module) -> nn.Module:
    from mmdet.models.dense_heads import AnchorHead, RetinaHead, RPNHead
    from mmdet.models.detectors import SingleStageDetector
    from mmdet.models.detectors import TwoStageDetector as TwoStage
    from mmdet.models.roi_heads import SingleRoIExtractor, StandardRoIHead

    known = "Faster R-CNN, Mask R-CNN and RetinaNet are written for it"
    if isinstance(model, SingleStageDetector):
        head = model.bbox_head
        _require(type(head) in (AnchorHead, RetinaHead), model, type(head).__name__, known)
        _check_boxes(model, head.bbox_coder, head.test_cfg.nms)
        return DenseDetector(model)
    _require(isinstance(model, TwoStage), model, "steps of its own", known)
    rpn, roi = model.rpn_head, model.roi_head
    _require(type(rpn) is RPNHead, model, type(rpn).__name__, known)
    _require(type(roi) is StandardRoIHead, model, type(roi).__name__, known)
    _require(not roi.with_shared_head, model, "a shared head", known)
    _require(roi.bbox_head.with_reg, model, "boxes that are not regressed", known)
    loss = type(roi.bbox_head.loss_cls).__name__
    mend = "it scores classes in its own way; train with CrossEntropyLoss"
    _require(not roi.bbox_head.custom_cls_channels, model, loss, mend)
    for extractor in [roi.bbox_roi_extractor] + ([roi.mask_roi_extractor] if roi.with_mask else []):
        layer = type(extractor.roi_layers[0]).__name__
        found = f"{type(extractor).__name__} of {layer}"
        fits = type(extractor) is SingleRoIExtractor and layer == "RoIAlign"
        _require(fits, model, found, "use SingleRoIExtractor with RoIAlign")
    _check_boxes(model, rpn.bbox_coder, rpn.test_cfg.nms)
    _check_boxes(model, roi.bbox_head.bbox_coder, roi.test_cfg.nms)
    return TwoStageDetector(model)


def _check_boxes(model: nn.Module, coder: object, nms: dict) -> None:
    name = type(coder).__name__
    plain = name == "DeltaXYWHBBoxCoder" and not coder.add_ctr_clamp
    _require(plain, model, name, "use DeltaXYWHBBoxCoder without add_ctr_clamp")
    kind = nms.get("type", "nms")
    mend = "use dict(type='nms', iou_threshold=...), also for a model trained with another"
    _require(kind == "nms" and not set(nms) - {"type", "iou_threshold", "class_agnostic"},
             model, f"nms={dict(nms)}", mend)  # fmt: skip
