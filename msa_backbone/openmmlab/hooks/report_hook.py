"""What a run leaves behind for its user: curves, pictures of predictions and a table of results."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

from ...files.loaded_modalities import absent_modalities, loaded_modalities
from ...files.markdown import markdown_table
from ...files.training_log import START, read_records
from ...palette import with_palette
from ...plots.data_samples import draw_sample, scaled
from ...plots.grid import save_grid, side_by_side
from ...plots.modality_pictures import read_views
from ...plots.training_curves import plot_curves
from ...scores import all_scores_of, best_of

PICTURE_SIDE = 480
"""Longer side, in pixels, at which an image of the validation is drawn."""


class ReportHook(Hook):
    """Writes `curves.png`, `predictions.png` and `results.md` into the work dir.

    All are renewed at every validation, so that a long run can be watched; they cover what went
    before a resumed run too. A prediction picture shows truth on the left and prediction on the
    right, for one modality after the other. The table is also logged when the run ends.

    Args:
        num_pictures: pictures of predictions, from evenly spread images.
        score_thr: lowest score of a box that is drawn.
    """

    priority = "VERY_LOW"  # after the logger has written this validation's scores

    def __init__(self, num_pictures: int = 6, score_thr: float = 0.4) -> None:
        self.num_pictures = num_pictures
        self.score_thr = score_thr
        self._pictures: list[np.ndarray] = []
        self._table = ""
        self._written: int | None = None  # at which iteration

    def before_train(self, runner: Runner) -> None:
        runner.visualizer.add_scalar(START, runner.iter, step=runner.iter)

    def before_val_epoch(self, runner: Runner) -> None:
        self._pictures = []
        runner.visualizer.dataset_meta = with_palette(runner.visualizer.dataset_meta or {})

    before_test_epoch = before_val_epoch

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: object = None,
        outputs: Sequence[BaseDataElement] = (),
        mode: str = "train",
    ) -> None:
        """Draw one image of the batch if its turn has come; of few batches, several of each."""
        if mode == "train" or runner.rank != 0:
            return
        batches = len(runner.val_dataloader if mode == "val" else runner.test_dataloader)
        if batch_idx * self.num_pictures % batches >= self.num_pictures:
            return
        number = min(max(1, self.num_pictures // batches), len(outputs))
        loader, scratch = f"{mode}_dataloader", Path(runner.work_dir, "predictions.png")
        loaded = loaded_modalities(runner.cfg, loader), absent_modalities(runner.cfg, loader)
        for sample in outputs[:: len(outputs) // number][:number]:
            image_file = Path(sample.get("img_path", ""))
            if not image_file.is_file():  # in a bucket, or an array
                continue
            # Labels have one size: small images are enlarged, so that they have room for them.
            views = [
                scaled(view, sample, PICTURE_SIDE)
                for view in read_views(image_file, *loaded).values()
            ]
            least = self.score_thr
            drawn = [
                draw_sample(runner.visualizer, view, shown, scratch, pred_score_thr=least)
                for view, shown in views
            ]
            if drawn[0] is not None:
                self._pictures.append(side_by_side(drawn))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if runner.rank == 0:
            self._write_training(runner)

    def after_train(self, runner: Runner) -> None:
        if runner.rank == 0:
            if self._written != runner.iter:  # the training does not end with a validation
                self._write_training(runner)
            runner.logger.info("Results, written to %s\n%s", runner.work_dir, self._table)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if runner.rank == 0:
            table = score_table(metrics or {}, runner.cfg.filename)
            self._write(runner, table)
            runner.logger.info("Results, written to %s\n%s", runner.work_dir, table)

    def _write_training(self, runner: Runner) -> None:
        work_dir = Path(runner.work_dir)
        training, validation = read_records(work_dir)
        if training:
            plot_curves(training, validation, work_dir / "curves.png")
        self._table, self._written = training_table(validation, runner.cfg.filename), runner.iter
        self._write(runner, self._table)

    def _write(self, runner: Runner, table: str) -> None:
        work_dir = Path(runner.work_dir)
        if self._pictures:
            save_grid(self._pictures, work_dir / "predictions.png", columns=2)
        (work_dir / "results.md").write_text(table + "\n", encoding="utf-8")


def training_table(validation: Sequence[Mapping[str, float]], title: str) -> str:
    """Markdown table: a row per metric with its last value, its best one and the best one's step.

    Args:
        validation: the scores of each validation in order, with the epoch or iteration as 'step'.
    """
    if not validation:
        return f"`{title}`\n\nNothing was validated."
    rows = []
    for name, last in all_scores_of(validation[-1]).items():
        best, step = best_of(name, validation)
        rows.append([name, f"{last:.3f}", f"{best:.3f}", step])
    return f"`{title}`\n\n{markdown_table(['metric', 'last', 'best', 'at'], rows)}"


def score_table(metrics: Mapping[str, float], title: str) -> str:
    """Markdown table of a test: a row per metric."""
    rows = [[name, f"{value:.3f}"] for name, value in all_scores_of(metrics).items()]
    return f"`{title}`\n\n{markdown_table(['metric', 'value'], rows)}"
