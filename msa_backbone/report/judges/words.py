"""What a report says of models that answer questions, or write captions."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from mmengine.structures import BaseDataElement

from ...language.answers import answer_shares
from ..contents import Confusion, Findings
from .base import Judge, Judged


class QuestionJudge(Judge):
    """Judges models that choose one of `classes`, the answers, for each question."""

    ranked_by = "probability of the true answer"

    def __init__(self, classes: tuple[str, ...], score_thr: float) -> None:
        super().__init__(classes, score_thr)
        self.by_type: dict[str, list[bool]] = defaultdict(list)
        self.truths: list[int | None] = []  # None: not among the answers
        self.chosen: list[int] = []

    def judge(self, index: int, sample: BaseDataElement, info: Mapping) -> Judged:
        shares = answer_shares([sample], self.classes)[0].numpy()
        scores = sample.pred_score.float().cpu().numpy()
        truth = info.get("most_given") or self.classes[shares.argmax()]
        order = np.argsort(-scores, kind="stable")[:5]
        answer = self.classes[order[0]]
        self.by_type[info.get("question_type") or "other"].append(answer == truth)
        self.truths.append(self.classes.index(truth) if truth in self.classes else None)
        self.chosen.append(int(order[0]))
        guesses = tuple((self.classes[i], float(scores[i])) for i in order)
        words = f"{sample.question} true: {truth}; answered: {answer}"
        return Judged(index, float((shares * scores).sum()), 0.0, words, sample, guesses)

    def findings(self) -> Findings:
        types = sorted(self.by_type)
        matrix = np.zeros((len(self.classes),) * 2, dtype=np.int64)
        known = [pair for pair in zip(self.truths, self.chosen, strict=True) if None not in pair]
        if known:
            np.add.at(matrix, tuple(np.array(known).T), 1)
        return Findings(
            {
                "accuracy": np.array([np.mean(self.by_type[kind]) for kind in types]),
                "questions": np.array([len(self.by_type[kind]) for kind in types]),
            },
            {},
            "",
            Confusion(matrix, self.classes, "questions", "What most people answered is true."),
            row="type of question",
            rows=types,
        )


class CaptionJudge(Judge):
    """Judges captions by ROUGE-L."""

    ranked_by = "ROUGE-L of the caption"

    def judge(self, index: int, sample: BaseDataElement, info: Mapping) -> Judged:
        from pycocoevalcap.rouge.rouge import Rouge

        from ...openmmlab.metrics.caption_scores import words

        truth = info["gt_caption"]
        said = sample.pred_caption
        score = Rouge().calc_score([words(said)], [words(text) for text in truth])
        return Judged(index, float(score), 0.0, f"{said} (true: {truth[0]})", sample)

    def findings(self) -> Findings:
        return Findings({}, {}, "", None)
