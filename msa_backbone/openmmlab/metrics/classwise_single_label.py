"""mmpretrain's SingleLabelMetric with the classes' own scores (imported by `builders`)."""

from mmpretrain.evaluation import SingleLabelMetric


class ClasswiseSingleLabelMetric(SingleLabelMetric):
    """SingleLabelMetric that returns, beside the means, every class's score.

    `single-label/precision/NAME` and so on, in percent, reach the log and the table of results.

    Args:
        kwargs: mmpretrain's SingleLabelMetric.
    """

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Scores from the truth and the scores of every image."""
        means = super().compute_metrics(results)
        average, self.average = self.average, None
        own = super().compute_metrics(results)
        self.average = average
        return means | {
            f"{score.removesuffix('_classwise')}/{name}": round(value, 2)
            for score, values in own.items()
            for name, value in zip(self.dataset_meta["classes"], values, strict=True)
        }
