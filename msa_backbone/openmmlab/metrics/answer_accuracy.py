"""How many questions are answered as most people answered them, in all and by type of question."""

from collections import defaultdict
from collections.abc import Sequence

from mmengine.evaluator import BaseMetric


class AnswerAccuracy(BaseMetric):
    """Exact accuracy, in percent: `answers/exact`, and `answers/exact/TYPE` of every type.

    mmpretrain's VQAAcc, beside it, also gives credit for answers of a minority.

    Args:
        by: field of the samples that tells the type, 'question_type' or 'answer_type'.
        others: of mmengine's BaseMetric.
    """

    default_prefix = "answers"

    def __init__(self, by: str = "question_type", **others: object) -> None:
        super().__init__(**others)
        self.by = by

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Keep the type of every question, and whether its answer is right."""
        for sample in data_samples:
            given = sample["gt_answer"]
            given = [given] if isinstance(given, str) else given
            weights = sample.get("gt_answer_weight") or [1.0] * len(given)
            truth = given[max(range(len(given)), key=weights.__getitem__)] if given else None
            self.results.append((sample.get(self.by) or "other", sample["pred_answer"] == truth))

    def compute_metrics(self, results: list[tuple[str, bool]]) -> dict[str, float]:
        """Shares of right answers."""
        by_type = defaultdict(list)
        for kind, right in results:
            by_type[kind].append(right)
        return {
            "exact": _percent([right for _, right in results]),
            **{f"exact/{kind}": _percent(by_type[kind]) for kind in sorted(by_type)},
        }


def _percent(right: list[bool]) -> float:
    return 100 * sum(right) / len(right)
