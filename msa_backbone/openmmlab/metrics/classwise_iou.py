"""mmseg's IoU and accuracy with a score of every class beside the means."""

from mmseg.evaluation import IoUMetric


class ClasswiseIoUMetric(IoUMetric):
    """IoUMetric that returns, beside the means, every class's IoU and accuracy.

    mmseg only prints these; here `IoU/NAME` and `Acc/NAME`, in percent, reach the log, the curves
    and the table of results. NaN for a class that neither truth nor prediction has.
    """

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Scores from the areas of every image: intersection, union, prediction, label."""
        means = super().compute_metrics(results)
        if self.format_only:
            return means
        areas = [sum(parts) for parts in zip(*results, strict=True)]
        scores = self.total_area_to_metrics(*areas, self.metrics, self.nan_to_num, self.beta)
        return means | {
            f"{kind}/{name}": round(100 * float(value), 2)
            for kind in ("IoU", "Acc")
            if kind in scores
            for name, value in zip(self.dataset_meta["classes"], scores[kind], strict=True)
        }
