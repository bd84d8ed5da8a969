"""What a run leaves behind for its user: curves, pictures of predictions and a table of results."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmengine.structures import BaseDataElement

from ..visualization.curves import plot_curves
from ..visualization.pictures import read_picture, save_grid


@HOOKS.register_module()
class ReportHook(Hook):
    """Writes `curves.png`, `predictions.png` and `results.md` into the work dir.

    Curves and predictions are renewed at every validation, so that a long run can be watched; a
    prediction picture shows truth on the left and prediction on the right. The table, of the last
    validation (or the test) and of the best one, is also logged when the run ends.

    Args:
        num_pictures: pictures of predictions, from evenly spread images.
        score_thr: lowest score of a box that is drawn.
    """

    priority = "VERY_LOW"  # after the logger has written this validation's scores

    def __init__(self, num_pictures: int = 6, score_thr: float = 0.4) -> None:
        self.num_pictures = num_pictures
        self.score_thr = score_thr
        self._pictures: list[np.ndarray] = []
        self._history: list[tuple[int, dict[str, float]]] = []

    def before_val_epoch(self, runner: Runner) -> None:
        self._pictures = []

    def before_test_epoch(self, runner: Runner) -> None:
        self._pictures = []

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[BaseDataElement]
    ) -> None:
        self._draw(runner, batch_idx, runner.val_dataloader, outputs)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[BaseDataElement]
    ) -> None:
        self._draw(runner, batch_idx, runner.test_dataloader, outputs)

    def _draw(self, runner: Runner, batch_idx: int, loader, outputs: Sequence) -> None:
        """Draw the first image of the batch if its turn has come."""
        every = max(1, len(loader) // self.num_pictures)
        if runner.rank != 0 or batch_idx % every or len(self._pictures) == self.num_pictures:
            return
        sample = outputs[0]
        image = read_picture(Path(sample.img_path))
        options = {"pred_score_thr": self.score_thr} if "pred_instances" in sample else {}
        picture_file = Path(runner.work_dir) / "predictions.png"
        runner.visualizer.add_datasample(
            "predictions", image, sample, out_file=str(picture_file), **options
        )
        self._pictures.append(read_picture(picture_file))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        step = runner.epoch if by_epoch else runner.iter
        self._history.append((step, metrics or {}))
        self._write(runner)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._history.append((0, metrics or {}))
        self._write(runner)
        runner.logger.info("Results\n%s", results_table(self._history, runner.cfg.filename))

    def after_train(self, runner: Runner) -> None:
        if runner.rank == 0:
            self._write(runner)
            if self._history:
                runner.logger.info("Results\n%s", results_table(self._history, runner.cfg.filename))
            runner.logger.info(
                "Written to %s: curves.png, predictions.png, results.md and checkpoints",
                runner.work_dir,
            )

    def _scalars(self, runner: Runner) -> Path:
        return Path(runner.log_dir) / "vis_data" / "scalars.json"

    def _write(self, runner: Runner) -> None:
        if runner.rank != 0:
            return
        work_dir = Path(runner.work_dir)
        if self._pictures:
            save_grid(self._pictures, work_dir / "predictions.png", columns=2)
        if self._scalars(runner).is_file():
            plot_curves(self._scalars(runner), work_dir / "curves.png")
        (work_dir / "results.md").write_text(
            results_table(self._history, runner.cfg.filename) + "\n"
        )


def results_table(history: Sequence[tuple[int, dict[str, float]]], title: str) -> str:
    """Markdown table of scores: a row per metric, its last and its best value with the step.

    Args:
        history: (epoch or iteration, scores) in order.
        title: printed above the table.
    """
    lines = [f"`{title}`", "", "| metric | last | best | at |", "| --- | --- | --- | --- |"]
    for name, last in history[-1][1].items():
        if not isinstance(last, int | float | np.number):
            continue
        known = [(value[name], step) for step, value in history if name in value]
        best, step = max(known, key=lambda pair: (not np.isnan(pair[0]), pair[0]))
        lines.append(f"| {name} | {last:.3f} | {best:.3f} | {step} |")
    return "\n".join(lines)
