"""mmpretrain's precision, recall and F1 with a score of every class beside the means."""

from mmpretrain.evaluation import SingleLabelMetric


class ClasswiseSingleLabelMetric(SingleLabelMetric):
    """SingleLabelMetric that returns, beside the means, every class's score.

    `single-label/precision/NAME` and so on, in percent, reach the log and the table of results.
    """

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Scores from the truth and the scores of every image."""
        means = super().compute_metrics(results)
        average, self.average = self.average, None
        of_classes = super().compute_metrics(results)
        self.average = average
        return means | {
            f"{score.removesuffix('_classwise')}/{name}": round(value, 2)
            for score, values in of_classes.items()
            for name, value in zip(self.dataset_meta["classes"], values, strict=True)
        }
