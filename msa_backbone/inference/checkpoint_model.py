"""A checkpoint with its config as a model of pictures, with plain results."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.structures import BaseDataElement

from ..errors import DataError
from ..files.modality import Modality
from ..files.modality_files import stack_pictures
from ..results.objects import Objects
from ..results.result import Picture, Result
from ..results.segmentation import Segmentation
from ..results.whole_picture import Answers, Caption, ClassScores
from ..tasks import Task
from .predictor import Predictor


class CheckpointModel:
    """`results.result.PictureModel` of a checkpoint.

    Args:
        predictor: the model.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.task = predictor.task.title
        self.classes = tuple(predictor.classes)
        self.thresholds = predictor.thresholds

    @property
    def modalities(self) -> Sequence[Modality]:
        """The cameras, with the folders that their files lie in; can be set."""
        return self.predictor.modalities

    @modalities.setter
    def modalities(self, modalities: Sequence[Modality]) -> None:
        self.predictor.modalities = tuple(modalities)

    @property
    def absent(self) -> Collection[str]:
        """Names of the cameras that are not read."""
        return self.predictor.absent

    @property
    def questions(self) -> Sequence[str]:
        """Those to ask about every picture; can be set."""
        return self.predictor.questions

    @questions.setter
    def questions(self, questions: Sequence[str]) -> None:
        self.predictor.questions = tuple(questions)

    def read(self, path: Path) -> np.ndarray:
        return self.predictor.read(path)

    def views(self, picture: Picture) -> Mapping[str, np.ndarray]:
        return self.predictor.views(self._stack(picture))

    def find(self, pictures: Sequence[Picture], names: Sequence[str]) -> list[Result]:
        samples = self.predictor([self._stack(picture) for picture in pictures], names)
        return [plain_result(sample, self.predictor) for sample in samples]

    def _stack(self, picture: Picture) -> np.ndarray:
        """Pictures by the cameras' names as the pipeline takes them."""
        if not isinstance(picture, Mapping):
            if not self.modalities and not _is_rgb(picture):
                raise DataError(
                    f"the picture is {picture.shape} of {picture.dtype}: give RGB, (H, W, 3), uint8"
                )
            return picture
        if not self.modalities:
            raise DataError("the model has one camera: give an array instead of a dict")
        return stack_pictures(picture, self.modalities, self.absent)


def _is_rgb(picture: np.ndarray) -> bool:
    return picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == np.uint8


def _logit(probability: np.ndarray) -> np.ndarray:
    """Finite where float32 has rounded the probability to 0 or 1."""
    probability = probability.clip(1e-7, 1 - 1e-7)
    return np.log(probability / (1 - probability))


def plain_result(sample: BaseDataElement, predictor: Predictor) -> Result:
    """What a data sample holds of predictions, as plain arrays."""
    task, classes, palette = predictor.task, predictor.classes, predictor.palette
    if task.finds_objects:
        found = sample.pred_instances.cpu().numpy()
        masks = np.asarray(found.masks, bool) if "masks" in found else None
        boxes = np.asarray(found.bboxes, np.float32)
        return Objects(boxes, found.scores, found.labels, classes, palette, masks)
    if task is Task.SEMANTIC_SEGMENTATION:
        labels = sample.pred_sem_seg.data[0].cpu().numpy().astype(np.uint8)
        logits = sample.seg_logits.data.float().cpu().numpy()
        if len(logits) == 1:  # mmseg has made a probability of it
            logits = _logit(logits)
        threshold = getattr(predictor.model.decode_head, "threshold", None) or 0.5
        return Segmentation(labels, logits, classes, palette, threshold)
    if task is Task.QUESTIONS:
        return Answers(sample.question, sample.pred_answer, sample.pred_score)
    if task is Task.CAPTIONS:
        return Caption(sample.pred_caption)
    return ClassScores(sample.pred_score.cpu().numpy(), classes)
