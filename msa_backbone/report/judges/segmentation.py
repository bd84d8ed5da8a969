"""What a report says about a segmenter: pixels counted by class, scores counted in bins."""

from collections.abc import Mapping

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from ..contents import Confusion, Findings
from ..curves_and_confusion import BINS, LOGIT_LIMIT, curve_of_bins
from .base import Judge, Judged, averages, class_rates

IGNORED = 255  # mmseg's value of pixels without a class


class SegmentationJudge(Judge):
    """Of models that give every pixel a class.

    Scores are counted in bins of equal width in log-odds, so that memory does not grow with the
    images.
    """

    ranked_by = "mean IoU of the classes in the image's truth or prediction"

    def __init__(self, classes: tuple[str, ...], score_thr: float) -> None:
        super().__init__(classes, score_thr)
        if len(classes) < 2:
            raise ValueError(
                "the report of a segmenter needs two classes or more, such as background"
            )
        self.matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
        self.counts = torch.zeros(2, len(classes), BINS, dtype=torch.int64)  # correct, accepted

    def judge(self, index: int, sample: BaseDataElement, info: Mapping) -> Judged:
        if "pred_sem_seg" not in sample or "gt_sem_seg" not in sample:
            raise ValueError(
                "the report of a segmenter needs the truth beside the prediction: let the val "
                "pipeline end in LoadAnnotations and PackSegInputs"
            )
        truth = sample.gt_sem_seg.data[0].cpu().long()
        prediction = sample.pred_sem_seg.data[0].cpu().long()
        if truth.shape != prediction.shape:
            raise ValueError(
                f"{info.get('img_path')}: its mask is {tuple(truth.shape)} and its prediction "
                f"{tuple(prediction.shape)} pixels: load annotations behind Resize in the val "
                "pipeline"
            )
        classes = len(self.classes)
        counted = (truth != IGNORED) & (truth < classes)
        pairs = truth[counted] * classes + prediction[counted]
        matrix = torch.bincount(pairs, minlength=classes**2).view(classes, classes).numpy()
        self.matrix += matrix
        if "seg_logits" in sample:
            self._count_scores(sample.seg_logits.data.cpu().double(), truth, counted)
        iou = class_rates(matrix)["IoU"]
        present = ~np.isnan(iou)
        score = float(iou[present].mean()) if present.any() else float("nan")
        named = [self.classes[i] for i in np.flatnonzero(matrix.sum(axis=1))]
        kept = sample.clone()
        if "seg_logits" in kept:
            del kept.seg_logits
        words = f"{100 * matrix.trace() / max(matrix.sum(), 1):.1f} % of its pixels are right"
        return Judged(index, score, len(named), words, kept.cpu())

    def _count_scores(self, logits: Tensor, truth: Tensor, counted: Tensor) -> None:
        """Count the pixels of an image by their score for every class.

        Args:
            logits: (classes, H, W), or (1, H, W) of two classes by a sigmoid.
            truth: (H, W).
            counted: (H, W) bool, the pixels with a class.
        """
        if len(logits) == 1:
            logits = torch.cat([torch.zeros_like(logits), logits])
        log_shares = logits[:, counted].log_softmax(0)
        truth = truth[counted]
        for label, own in enumerate(log_shares):
            odds = own - torch.log1p(-own.exp().clamp(max=1 - 1e-15))
            odds = odds.nan_to_num(-LOGIT_LIMIT)  # a diverged model is sure of nothing
            position = (odds.clamp(-LOGIT_LIMIT, LOGIT_LIMIT) / LOGIT_LIMIT + 1) / 2
            bins = BINS - 1 - (position * (BINS - 1)).long()  # the highest scores first
            for place, chosen in enumerate((bins[truth == label], bins)):
                self.counts[place, label] += torch.bincount(chosen, minlength=BINS)

    def findings(self) -> Findings:
        rates = class_rates(self.matrix)
        curves = [
            curve_of_bins(name, *self.counts[:, label].numpy())
            for label, name in enumerate(self.classes)
        ]
        scores = {
            "IoU (%)": 100 * rates["IoU"],
            "recall (%)": 100 * rates["recall"],
            "precision (%)": 100 * rates["precision"],
            "pixels (%)": 100 * self.matrix.sum(axis=1) / max(self.matrix.sum(), 1),
        }
        shown = {}
        if self.counts.any():
            scores["average precision"] = averages(curves)
            shown = {"Pixels of each class": curves}
        note = f"The average precision is in brackets; scores are counted in {BINS:,} bins."
        unit = "Pixels without a class are not counted."
        return Findings(scores, shown, note, Confusion(self.matrix, self.classes, "pixels", unit))
