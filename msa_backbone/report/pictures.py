"""The pictures of a report: truth beside prediction, and what attention looks at."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mmengine.config import Config
from PIL import Image, ImageOps

from ..files.images import read_image
from ..inference.explain.explainer import Explainer
from ..inference.predictor import Predictor
from ..plots.data_samples import draw_sample, scaled
from ..plots.heatmaps import overlay
from ..tasks import Task
from .contents import Picture, ReportImage
from .judges.base import Judged

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
        self.visualizer = predictor.visualizer(cfg)
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
        picture = read_image(path)
        if self.predictor.task is Task.CLASSIFICATION:
            image.pictures = [Picture("", _resized(picture, CLASSIFIED_SIDE))]
        else:
            image.pictures = self._drawn(picture, judged)
        if self.predictor.attentions:
            image.attention = attention_maps(Explainer(self.predictor, picture))
        return image

    def _drawn(self, picture: np.ndarray, judged: Judged) -> list[Picture]:
        picture, sample = scaled(picture, judged.sample, PICTURE_SIDE)
        pictures = []
        with TemporaryDirectory() as folder:
            for title, truth in (("truth", True), ("prediction", False)):
                drawn = draw_sample(
                    self.visualizer,
                    picture,
                    sample,
                    Path(folder, "drawn.png"),
                    draw_gt=truth,
                    draw_pred=not truth,
                    pred_score_thr=self.score_thr,
                )
                pictures.append(Picture(title, picture if drawn is None else drawn))
        return pictures


def attention_maps(explainer: Explainer) -> list[Picture]:
    """What every attention module looks at, over the picture.

    This is the module's spatial gate, or the norm of what it adds at each place if it has none.
    """
    maps = []
    for name, response in explainer.responses().items():
        has_gate = response.spatial is not None
        shown = response.spatial[0, 0] if has_gate else response.change[0]
        values = explainer.over_picture(shown)
        what = "gate" if has_gate else "added"
        title = f"position {name}, {what} {values.min():.2f} to {values.max():.2f}"
        maps.append(Picture(title, _resized(overlay(explainer.picture, values), MAP_SIDE)))
    return maps


def _resized(picture: np.ndarray, side: int) -> np.ndarray:
    """The picture with a longer side of so many pixels."""
    return np.asarray(ImageOps.contain(Image.fromarray(picture), (side, side)))
