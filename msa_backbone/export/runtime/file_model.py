"""An exported file as a model of pictures, with plain results."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...files.images import read_image
from ...files.modality import Modality, shown_as_they_are, split_stack
from ...files.modality_files import read_scene
from ...results.objects import Objects
from ...results.result import Picture, Result
from ...results.segmentation import Segmentation
from ...results.whole_picture import Answers, ClassScores
from .predictor import RuntimePredictor

NEAREST = 55
"""The grey of the least depth: black is for what was not measured."""


class FileModel:
    """`results.result.PictureModel` of an exported file.

    Args:
        predictor: opened.

    Attributes:
        questions: to ask about every picture.
        modalities: the cameras, with the folders that their files lie in; can be set.
        absent: names of the cameras that are not read; can be set.
    """

    def __init__(self, predictor: RuntimePredictor) -> None:
        self.predictor = predictor
        info = predictor.info
        self.task, self.classes = info.task, info.classes
        self.thresholds = info.thresholds or None
        self.modalities: Sequence[Modality] = info.modalities
        self.absent: Collection[str] = ()
        self.questions: Sequence[str] = ()

    def read(self, path: Path) -> Picture:
        if not self.modalities:
            return read_image(path)
        stack = read_scene(path, self.modalities, self.absent)
        if stack.dtype != np.uint8 and self.predictor.info.dtype == "uint8":
            raise DataError(
                f"{path} or a partner has more than 8 bits a value, which {self.predictor.file} "
                "does not take: export it with --dtype float32"
            )
        pictures = split_stack(stack, self.modalities)
        return {name: values for name, values in pictures.items() if name not in self.absent}

    def views(self, picture: Picture) -> Mapping[str, np.ndarray]:
        if not isinstance(picture, Mapping):
            return {"image": picture}
        return {
            modality.name: for_people(picture[modality.name], modality)
            for modality in self.modalities
            if picture.get(modality.name) is not None
        }

    def find(self, pictures: Sequence[Picture], names: Sequence[str]) -> list[Result]:
        return [self._result(self.predictor(picture, self.questions)) for picture in pictures]

    def _result(self, found: Mapping[str, np.ndarray]) -> Result:
        info = self.predictor.info
        if "boxes" in found:
            boxes, scores, labels = (found[name] for name in ("boxes", "scores", "labels"))
            return Objects(boxes, scores, labels, info.classes, info.palette, found.get("masks"))
        if "classes" in found:
            labels, logits = found["classes"], found["logits"]
            return Segmentation(labels, logits, info.classes, info.palette, info.mask_thr)
        if not self.questions:
            return ClassScores(found["scores"], info.classes)
        best = found["scores"].argmax(axis=1)
        scores = [float(row[label]) for row, label in zip(found["scores"], best, strict=True)]
        return Answers(self.questions, [info.classes[label] for label in best], scores)


def for_people(values: np.ndarray, modality: Modality) -> np.ndarray:
    """RGB, (H, W, 3), uint8: depth and other than 8 bits are stretched, the unknown is black.

    Args:
        values: the modality's, (H, W, C) or (H, W).
    """
    values = values[..., None] if values.ndim == 2 else values
    known = np.isfinite(values).all(axis=2, keepdims=True)
    if modality.unknown:
        known &= (values != 0).any(axis=2, keepdims=True)
    values = np.where(known, values, values.dtype.type(0))
    as_they_are = not modality.unknown and shown_as_they_are(values, modality)
    if values.shape[2] != 3:
        values = values.mean(axis=2, keepdims=True).repeat(3, axis=2)
    darkest = NEAREST if modality.unknown else 0
    seen = values[known[..., 0]]
    if as_they_are:
        values = values.clip(0, 255)
    elif seen.size:
        low, high = float(seen.min()), float(seen.max())
        values = darkest + (values - low) * ((255 - darkest) / max(high - low, 1e-6))
    return np.ascontiguousarray(np.where(known, values, 0).round().astype(np.uint8))
