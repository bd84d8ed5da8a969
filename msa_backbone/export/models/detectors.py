"""mmdet's detectors from a normalised picture to boxes, as one tensor function each.

mmdet's own path carries lists of InstanceData, which no graph can hold. The arithmetic here is the
same, step by step: where mmdet's `predict_by_feat` is named, that is what a step follows.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from .boxes import decode_boxes, large_enough, suppress

Result = tuple[Tensor, ...]


class DenseDetector(nn.Module):
    """A detector of one stage with anchors, such as RetinaNet.

    Args:
        detector: mmdet's SingleStageDetector with an AnchorHead.
    """

    outputs = ("boxes", "scores", "labels")
    reads = False

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, x: Tensor, resized: Tensor, original: Tensor) -> Result:
        """Detect on one picture.

        Args:
            x: the picture, normalised and padded, (1, C, H, W).
            resized: its height and width without the padding, (2,), float.
            original: those of the picture before it was resized, (2,), float.

        Returns:
            Boxes in the original's pixels, (K, 4); scores, (K,); labels, (K,), int64.
        """
        head = self.detector.bbox_head
        maps = head(self.detector.extract_feat(x))
        found = [
            self._candidates(*level)
            for level in zip(*maps, _anchors(head.prior_generator, maps[0]), strict=True)
        ]
        anchors, deltas, scores, labels = map(torch.cat, zip(*found, strict=True))
        boxes = decode_boxes(head.bbox_coder, anchors, deltas, resized)
        boxes = boxes * _rescaling(resized, original)
        cfg = head.test_cfg
        kept = large_enough(boxes, cfg.get("min_bbox_size", -1))
        return suppress(boxes[kept], scores[kept], labels[kept], cfg.nms, cfg.max_per_img)

    def _candidates(self, scores: Tensor, deltas: Tensor, anchors: Tensor) -> Result:
        """Of a level's anchors and classes those that score best (`filter_scores_and_topk`)."""
        head = self.detector.bbox_head
        scores = _rows(scores, head.cls_out_channels)
        scores = scores.sigmoid() if head.use_sigmoid_cls else scores.softmax(-1)[:, :-1]
        anchor, label = (scores > head.test_cfg.get("score_thr", 0)).nonzero().unbind(1)
        scores, order = scores[anchor, label].sort(descending=True)
        most = head.test_cfg.get("nms_pre", -1)
        if most > 0:
            scores, order = scores[:most], order[:most]
        anchor, label = anchor[order], label[order]
        return anchors[anchor], _rows(deltas, 4)[anchor], scores, label


class TwoStageDetector(nn.Module):
    """Faster R-CNN or Mask R-CNN, on a pyramid of feature maps or on one.

    Args:
        detector: mmdet's TwoStageDetector with an RPNHead and a StandardRoIHead.
    """

    reads = False

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector
        self.with_mask = detector.roi_head.with_mask
        self.outputs = DenseDetector.outputs + (("masks",) if self.with_mask else ())

    def forward(self, x: Tensor, resized: Tensor, original: Tensor) -> Result:
        """As `DenseDetector.forward`; with masks, these too: probabilities, (K, 28, 28)."""
        features = self.detector.extract_feat(x)
        proposals = self._proposals(features, resized)
        rescaling = _rescaling(resized, original)
        # With masks, mmdet brings boxes into the original's pixels last: masks come from these.
        boxes, scores, labels = self._detect(
            features,
            proposals,
            resized,
            torch.ones_like(rescaling) if self.with_mask else rescaling,
        )
        if not self.with_mask:
            return boxes, scores, labels
        return boxes * rescaling, scores, labels, self._masks(features, boxes, labels)

    def _proposals(self, features: Sequence[Tensor], size: Tensor) -> Tensor:
        """Boxes that may hold something, (K, 4) (RPNHead's `predict_by_feat`)."""
        head = self.detector.rpn_head
        cfg = head.test_cfg
        maps = head(features)
        levels = zip(*maps, _anchors(head.prior_generator, maps[0]), strict=True)
        found = [self._best_anchors(number, *level) for number, level in enumerate(levels)]
        anchors, deltas, scores, level = map(torch.cat, zip(*found, strict=True))
        boxes = decode_boxes(head.bbox_coder, anchors, deltas, size)
        kept = large_enough(boxes, cfg.get("min_bbox_size", -1))
        return suppress(boxes[kept], scores[kept], level[kept], cfg.nms, cfg.max_per_img)[0]

    def _best_anchors(
        self, level: int, scores: Tensor, deltas: Tensor, anchors: Tensor
    ) -> tuple[Tensor, ...]:
        head = self.detector.rpn_head
        scores = _rows(scores, head.cls_out_channels)
        scores = scores[:, 0].sigmoid() if head.use_sigmoid_cls else scores.softmax(-1)[:, 0]
        most = head.test_cfg.get("nms_pre", -1)
        if most > 0:
            scores, best = scores.topk(torch.sym_min(scores.shape[0], most))
            anchors, deltas = anchors[best], _rows(deltas, 4)[best]
        else:
            deltas = _rows(deltas, 4)
        return anchors, deltas, scores, torch.full_like(scores, level, dtype=torch.int64)

    def _detect(
        self, features: Sequence[Tensor], proposals: Tensor, size: Tensor, rescaling: Tensor
    ) -> Result:
        """Boxes, scores and labels (BBoxHead's `predict_by_feat`, `multiclass_nms`)."""
        roi_head = self.detector.roi_head
        head, cfg = roi_head.bbox_head, roi_head.test_cfg
        inside, order = _inside(roi_head.bbox_roi_extractor, features, proposals)
        proposals = proposals[order]
        scores, deltas = head(inside)
        scores = scores.softmax(-1)[:, :-1]
        row, label = (scores > cfg.score_thr).nonzero().unbind(1)
        deltas = deltas.reshape(deltas.shape[0], -1, 4)  # of each class, or of all in one
        deltas = deltas[row, 0 if head.reg_class_agnostic else label]
        boxes = decode_boxes(head.bbox_coder, proposals[row], deltas, size) * rescaling
        most = cfg.max_per_img if cfg.max_per_img > 0 else None
        return suppress(boxes, scores[row, label], label, cfg.nms, most)

    def _masks(self, features: Sequence[Tensor], boxes: Tensor, labels: Tensor) -> Tensor:
        """A mask inside each box, (K, 28, 28), probabilities, in the boxes' order."""
        roi_head = self.detector.roi_head
        inside, order = _inside(roi_head.mask_roi_extractor, features, boxes)
        logits = roi_head.mask_head(inside)[order.argsort()]
        if roi_head.mask_head.class_agnostic:
            return logits[:, 0].sigmoid()
        every = torch.arange(labels.shape[0])
        return logits[every, labels].sigmoid()


def _anchors(generator: nn.Module, maps: Sequence[Tensor]) -> Sequence[Tensor]:
    """Every level's anchors, (x1, y1, x2, y2) in pixels, (locations * anchors, 4)."""
    sizes = [scores.shape[-2:] for scores in maps]
    return generator.grid_priors(sizes, dtype=maps[0].dtype, device=maps[0].device)


def _rows(values: Tensor, columns: int) -> Tensor:
    """(1, anchors * columns, H, W) -> (H * W * anchors, columns)."""
    return values[0].permute(1, 2, 0).reshape(-1, columns)


def _rescaling(resized: Tensor, original: Tensor) -> Tensor:
    """What brings (x1, y1, x2, y2) of the resized picture into the original's pixels, (4,)."""
    return (original / resized).flip(0).repeat(2)


def _inside(
    extractor: nn.Module, features: Sequence[Tensor], boxes: Tensor
) -> tuple[Tensor, Tensor]:
    """Features inside the boxes, each from the level of its size (SingleRoIExtractor).

    Returns:
        The features, (K, C, S, S), level by level; and the boxes' numbers in this order, (K,).
    """
    layers = extractor.roi_layers
    first = torch.zeros_like(boxes[:, :1])  # all boxes belong to the batch's only picture
    rois = torch.cat([first, boxes], dim=1)
    level = extractor.map_roi_levels(rois, len(layers))
    numbers = [(level == number).nonzero()[:, 0] for number in range(len(layers))]
    parts = [
        roi_align(
            feature,
            rois[chosen],
            layer.output_size,
            layer.spatial_scale,
            layer.sampling_ratio,
            layer.aligned,
        )
        for feature, layer, chosen in zip(features, layers, numbers, strict=False)
    ]
    return torch.cat(parts), torch.cat(numbers)
