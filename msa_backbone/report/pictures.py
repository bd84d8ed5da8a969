"""The pictures of a report: truth beside prediction, and what attention looks at."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mmengine.config import Config
from PIL import Image, ImageOps

from ..inference.explain.explainer import Explainer
from ..inference.explain.question_gates import listening_gates, over, question_gates
from ..inference.predictor import Predictor
from ..plots.data_samples import build_visualizer, draw_sample, scaled
from ..plots.grid import side_by_side
from ..plots.heatmaps import overlay
from ..tasks import Task
from .contents import Picture, ReportImage
from .judges.base import Judged

WITH_WORDS = (Task.QUESTIONS, Task.CAPTIONS)
PICTURE_SIDE = 416
CLASSIFIED_SIDE = 144
MAP_SIDE = 256
"""Longer sides of the pictures, in pixels."""


class Illustrator:
    """Draws judged images.

    Args:
        predictor: the model.
        cfg: its config, whose visualizer draws.
        score_thr: lowest score of a box that is drawn.
    """

    def __init__(self, predictor: Predictor, cfg: Config, score_thr: float) -> None:
        self.predictor = predictor
        metainfo = {"classes": predictor.classes, "palette": predictor.palette}
        self.visualizer = build_visualizer(cfg, "predictions", metainfo)
        self.score_thr = score_thr

    def __call__(self, judged: Judged, info: Mapping) -> ReportImage:
        """An image for the report; one that is in no file has no pictures.

        Args:
            judged: the image.
            info: what the data set knows of it.
        """
        path = Path(info.get("img_path") or f"image {judged.index}")
        name = "/".join(path.parts[-2:])
        image = ReportImage(name, judged.score, judged.words, [], list(judged.guesses))
        if not path.is_file():  # in a bucket, or in the memory
            return image
        picture = self.predictor.read(path)
        if self.predictor.task in (Task.CLASSIFICATION, *WITH_WORDS):  # of one camera
            image.pictures = [Picture("", _resized(picture, CLASSIFIED_SIDE))]
        else:
            image.pictures = self._drawn(picture, judged)
        if self.predictor.task is Task.QUESTIONS:
            image.attention = question_maps(self.predictor, picture, judged.sample.question)
        elif self.predictor.attentions:
            image.attention = attention_maps(Explainer(self.predictor, picture))
        return image

    def _drawn(self, picture: np.ndarray, judged: Judged) -> list[Picture]:
        """Truth and prediction, of several modalities in the picture of each, side by side."""
        views = self.predictor.views(picture).values()
        views = [scaled(view, judged.sample, PICTURE_SIDE) for view in views]
        pictures = []
        with TemporaryDirectory() as folder:
            for title, truth in (("truth", True), ("prediction", False)):
                shown = []
                for view, sample in views:
                    drawn = draw_sample(
                        self.visualizer,
                        view,
                        sample,
                        Path(folder, "drawn.png"),
                        draw_gt=truth,
                        draw_pred=not truth,
                        pred_score_thr=self.score_thr,
                    )
                    shown.append(view if drawn is None else drawn)
                pictures.append(Picture(title, side_by_side(shown)))
        return pictures


def question_maps(predictor: Predictor, picture: np.ndarray, question: str) -> list[Picture]:
    """The spatial gates that listen, over the picture, without words and for a question."""
    if not listening_gates(predictor):
        return []
    predictor.questions = (question,)
    maps = []
    for name, gates in question_gates(predictor, picture)[1].items():
        for words, gate in zip(("without words", question), gates, strict=True):
            title = f"position {name}, {words}: {gate.min():.2f} to {gate.max():.2f}"
            values = over(picture, gate)
            maps.append(Picture(title, _resized(overlay(picture, values), MAP_SIDE)))
    predictor.questions = ()
    return maps


def attention_maps(explainer: Explainer) -> list[Picture]:
    """What every attention module looks at, over the picture.

    This is the module's spatial gate, or the norm of what it adds at each place if it has none. Of
    a fusion by attention it is the gate of each stream, over its first modality's picture.
    """
    maps = []
    for name, response in explainer.responses().items():
        gates = [(f"position {name}", explainer.picture, response.spatial, response.change)]
        if response.modalities:
            gates = [
                (
                    f"position {name}, {' + '.join(names)}",
                    *(explainer.views[names[0]], seen.spatial, seen.added),
                )
                for names, seen in zip(explainer.streams(), response.modalities, strict=True)
            ]
        for start, view, spatial, added in gates:
            values = explainer.over_picture(added[0] if spatial is None else spatial[0, 0])
            what = "added" if spatial is None else "gate"
            title = f"{start}, {what} {values.min():.2f} to {values.max():.2f}"
            picture = _resized(overlay(view, values), MAP_SIDE)
            maps.append(Picture(title, picture))
    return maps


def _resized(picture: np.ndarray, side: int) -> np.ndarray:
    """The picture with a longer side of so many pixels."""
    return np.asarray(ImageOps.contain(Image.fromarray(picture), (side, side)))
