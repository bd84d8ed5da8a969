"""From the work dir of a training to the facts of its report."""

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from ..config.load import apply_options, config_at_fault, load_config
from ..config.moved_work_dir import follow_index
from ..config.rehearse import check_data_files
from ..config.user_data import use_data
from ..errors import DataError
from ..files.images import read_image
from ..files.training_log import read_records
from ..inference.predictor import Predictor
from ..packages import require_packages
from ..progress import progress_line
from ..scores import scores_of
from ..tasks import Task
from .contents import Report
from .environment import environments, summary
from .judges.base import Judge, Ranking
from .judges.classification import ClassificationJudge
from .judges.detection import DetectionJudge
from .judges.segmentation import SegmentationJudge
from .judges.words import CaptionJudge, QuestionJudge
from .pictures import Illustrator
from .render import PACKAGES
from .run_files import RunFiles

WAY_OUT = (
    "start from the folder that the training was started in, or name the data's new place with "
    "--data ROOT"
)

JUDGES: dict[Task, type[Judge]] = {
    Task.DETECTION: DetectionJudge,
    Task.INSTANCE_SEGMENTATION: DetectionJudge,
    Task.SEMANTIC_SEGMENTATION: SegmentationJudge,
    Task.CLASSIFICATION: ClassificationJudge,
    Task.QUESTIONS: QuestionJudge,
    Task.CAPTIONS: CaptionJudge,
}


def make_report(
    run: RunFiles,
    images: int = 4,
    score_thr: float = 0.3,
    device: str = "cpu",
    options: Mapping[str, object] | None = None,
    data: str | None = None,
    classes: Sequence[str] | None = None,
) -> Report:
    """Evaluate a run's checkpoint on its validation data, and collect what a report shows.

    Args:
        run: from `find_run`.
        images: so many of the best, and of the worst.
        score_thr: lowest score of a box that is drawn and counted in the confusion matrix.
        device: such as 'cpu' or 'cuda:0'.
        options: settings of the config by dotted name, as with --cfg-options.
        data: where the folder is now that the training was given with --data.
        classes: of `data`, as the training was given them.

    Raises:
        ValueError, OSError: for files that are missing or unreadable, and for a config or a
            checkpoint that does not fit.
    """
    require_packages("a report", PACKAGES)
    cfg = load_config(str(run.config), str(run.work_dir), options or {})
    found = use_data(cfg, data, classes)
    if found is None:
        follow_index(cfg)
    apply_options(cfg, options or {})
    for name in ("val_dataloader", "val_evaluator"):
        if not cfg.get(name):
            raise ValueError(f"config {run.config} has no {name}: nothing to report on")
    config = cfg.pretty_text
    cfg.test_dataloader = cfg.val_dataloader  # test data stay unseen
    if found:
        found.write_index()
    else:
        check_data_files(cfg, "val_dataloader", WAY_OUT)
    training, validation = read_records(run.work_dir)
    MMLogger.get_current_instance().setLevel("ERROR")
    predictor = Predictor(cfg, str(run.checkpoint), device)
    evaluation = Evaluation(predictor, cfg, images, score_thr)
    scores = evaluation.run()
    findings = evaluation.judge.findings()
    illustrator = Illustrator(predictor, cfg, score_thr)
    best, worst = (
        [illustrator(judged, evaluation.info(judged.index)) for judged in chosen]
        for chosen in evaluation.ranking.best_and_worst()
    )
    return Report(
        title=run.config.stem,
        summary=summary(run, predictor, len(evaluation.dataset)),
        classes=findings.rows or predictor.classes,
        training=training,
        validation=validation,
        scores=scores_of(scores),
        findings=findings,
        ranked_by=evaluation.judge.ranked_by,
        best=best,
        worst=worst,
        config=config,
        environment=environments(run.work_dir),
    )


class Evaluation:
    """One pass over the validation data, for the config's metrics and for the judge of its task.

    Args:
        predictor: the model.
        cfg: names the data and the metrics.
        images: so many of the best and of the worst are kept.
        score_thr: lowest score of a box that counts as found.

    Raises:
        ValueError: if the data's classes are not the model's.
    """

    def __init__(self, predictor: Predictor, cfg: Config, images: int, score_thr: float) -> None:
        self.model = predictor.model
        # In the order of the data set: what the judge sees is told apart by its index there.
        sampler = {"type": "DefaultSampler", "shuffle": False}
        with _quiet(), config_at_fault("the val_dataloader or val_evaluator cannot be built"):
            loader = {**cfg.val_dataloader, "sampler": sampler, "batch_sampler": None}
            self.loader = Runner.build_dataloader(loader, seed=0)
            self.evaluator = Evaluator(cfg.val_evaluator)
        self.dataset = self.loader.dataset
        if not len(self.dataset):
            raise ValueError("the val_dataloader has no images: nothing to report on")
        self.evaluator.dataset_meta = self.dataset.metainfo
        named = tuple(self.dataset.metainfo.get("classes") or predictor.classes)
        if named != predictor.classes:
            raise ValueError(
                f"the checkpoint was trained on the classes {', '.join(predictor.classes)}; the "
                f"val_dataloader has {', '.join(named)}: they must be the same"
            )
        self.judge = JUDGES[predictor.task](predictor.classes, score_thr)
        self.ranking = Ranking(images)
        self.done = 0  # images

    def info(self, index: int) -> dict:
        """What the data set knows of an image."""
        return self.dataset.get_data_info(index)

    @torch.no_grad()
    def run(self) -> dict[str, float]:
        """The metrics' scores, by name."""
        total, progress = len(self.dataset), progress_line()
        for batch in self._batches():
            samples = self.model.val_step(batch)
            self.evaluator.process(data_samples=samples, data_batch=batch)
            for sample in samples:
                judged = self.judge.judge(self.done, sample, self.info(self.done))
                self.ranking.add(judged)
                self.done += 1
                progress(self.done, total)
        with _quiet():
            return self.evaluator.evaluate(total)

    def _batches(self) -> Iterator[dict]:
        """The loader's batches; DataError for the image that cannot be loaded."""
        batches = iter(self.loader)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except Exception:
                self._load_the_next_ones()
                raise
            yield batch

    def _load_the_next_ones(self) -> None:
        """Raise DataError for the first image, of those not seen yet, that cannot be loaded."""
        for index in range(self.done, len(self.dataset)):
            try:
                self.dataset[index]
            except Exception as error:
                path = Path(self.info(index).get("img_path") or f"image {index}")
                if path.is_file():
                    read_image(path)
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                raise DataError(
                    f"{path}: the val_dataloader cannot load it ({reason}); mend or replace the "
                    "file, or its annotation"
                ) from error


@contextlib.contextmanager
def _quiet():
    """Nothing is printed: what pycocotools would say is in the report."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
