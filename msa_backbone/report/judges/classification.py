"""What a report says of a classifier."""

from collections.abc import Mapping

import numpy as np
from mmengine.structures import BaseDataElement

from ..contents import Confusion, Findings
from ..curves_and_confusion import curve_of_scores
from .base import Judge, Judged, averages, class_rates


class ClassificationJudge(Judge):
    """Judges models that give each image one class."""

    ranked_by = "probability of the true class"

    def __init__(self, classes: tuple[str, ...], score_thr: float) -> None:
        super().__init__(classes, score_thr)
        self.truths: list[int] = []
        self.scores: list[np.ndarray] = []

    def judge(self, index: int, sample: BaseDataElement, info: Mapping) -> Judged:
        if "pred_score" not in sample or "gt_label" not in sample or sample.gt_label.numel() != 1:
            raise ValueError(
                "the report of a classifier needs one true class and its scores for every image; "
                "several labels an image are not served"
            )
        truth, scores = int(sample.gt_label), sample.pred_score.float().cpu().numpy()
        self.truths.append(truth)
        self.scores.append(scores)
        order = np.argsort(-scores, kind="stable")[:5]
        guesses = tuple((self.classes[i], float(scores[i])) for i in order)
        words = f"true: {self.classes[truth]}; predicted: {guesses[0][0]}"
        return Judged(index, float(scores[truth]), 0.0, words, sample, guesses)

    def findings(self) -> Findings:
        truths, scores = np.array(self.truths), np.stack(self.scores)
        curves = [
            curve_of_scores(name, scores[:, label], truths == label)
            for label, name in enumerate(self.classes)
        ]
        classes = len(self.classes)
        matrix = np.zeros((classes, classes), dtype=np.int64)
        np.add.at(matrix, (truths, scores.argmax(axis=1)), 1)
        rates = class_rates(matrix)
        return Findings(
            {
                "average precision": averages(curves),
                **{name: rates[name] for name in ("precision", "recall", "F1")},
                "images": matrix.sum(axis=1),
            },
            {"Each class against the rest": curves},
            "The average precision is in brackets.",
            Confusion(matrix, self.classes, "images", "The class with the highest score counts."),
        )
