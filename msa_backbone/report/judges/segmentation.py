"""What a report says of a segmenter: pixels counted by class, scores counted in bins."""

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
    """Judges models that give every pixel a class.

    A precision-recall curve needs the scores of all pixels of all images, which no memory holds. So
    scores are counted in bins. Most probabilities lie close to 0 or 1; their log-odds
    log(p / (1 - p)) spread them out, and the bins have equal widths there.
    """

    ranked_by = "mean IoU of the classes in the image's truth or prediction"

    def __init__(self, classes: tuple[str, ...], score_thr: float) -> None:
        super().__init__(classes, score_thr)
        if len(classes) < 2:
            raise ValueError(
                "the report of a segmenter needs two classes or more, such as background"
            )
        self.matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
        # Pixels by class and bin of their score: those of the class, and all.
        self.counts = torch.zeros(2, len(classes), BINS, dtype=torch.int64)

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
            scores = sample.seg_logits.data.cpu().double()[:, counted]
            self._count_scores(log_odds(scores), truth[counted])
        iou = class_rates(matrix)["IoU"]
        present = ~np.isnan(iou)
        score = float(iou[present].mean()) if present.any() else float("nan")
        named = [self.classes[i] for i in np.flatnonzero(matrix.sum(axis=1))]
        kept = sample.clone()
        if "seg_logits" in kept:
            del kept.seg_logits
        words = f"{100 * matrix.trace() / max(matrix.sum(), 1):.1f} % of its pixels are right"
        return Judged(index, score, len(named), words, kept.cpu())

    def _count_scores(self, odds: Tensor, truth: Tensor) -> None:
        """Count pixels by their score for every class.

        Args:
            odds: (classes, pixels), log-odds.
            truth: (pixels,), classes.
        """
        odds = odds.nan_to_num(-LOGIT_LIMIT)  # a diverged model is sure of nothing
        position = (odds.clamp(-LOGIT_LIMIT, LOGIT_LIMIT) / LOGIT_LIMIT + 1) / 2
        bins = BINS - 1 - (position * (BINS - 1)).long()  # the highest scores first
        for label, of_class in enumerate(bins):
            self.counts[0, label] += torch.bincount(of_class[truth == label], minlength=BINS)
            self.counts[1, label] += torch.bincount(of_class, minlength=BINS)

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


def log_odds(scores: Tensor) -> Tensor:
    """What `seg_logits` of mmseg says of every class, as log-odds log(p / (1 - p)).

    Args:
        scores: (classes, pixels), logits of a softmax; or (1, pixels), the probability of the
            second of two classes: mmseg has applied the sigmoid to a head of one channel.

    Returns:
        (classes, pixels); of one channel (2, pixels).
    """
    if len(scores) == 1:
        second = torch.logit(scores[0])
        return torch.stack([-second, second])
    log_shares = scores.log_softmax(0)
    return log_shares - torch.log1p(-log_shares.exp().clamp(max=1 - 1e-15))
