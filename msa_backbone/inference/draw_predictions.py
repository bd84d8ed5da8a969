"""Pictures with what a model found in them, drawn by the toolbox's visualizer."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mmengine.config import Config
from mmengine.structures import BaseDataElement

from ..plots.data_samples import TEXT_SIDE, draw_sample, scaled
from ..plots.modality_pictures import side_by_side
from .predictor import Predictor


class PredictionDrawer:
    """Draws predictions, as `draw(picture, sample)`.

    Args:
        predictor: the model, which knows the classes and their colours.
        cfg: its config, whose visualizer draws.
        score_thr: lowest score of a box or instance that is drawn.
        max_side: larger pictures are drawn at this longer side, in pixels.
    """

    def __init__(
        self, predictor: Predictor, cfg: Config, score_thr: float = 0.3, max_side: int = 1920
    ) -> None:
        self.views = predictor.views
        self.visualizer = predictor.visualizer(cfg)
        self.score_thr, self.max_side = score_thr, max_side

    def __call__(self, picture: np.ndarray, sample: BaseDataElement) -> np.ndarray:
        """What the model found, drawn into every view of a picture, side by side; RGB, uint8."""
        return side_by_side([self._draw(view, sample) for view in self.views(picture).values()])

    def _draw(self, picture: np.ndarray, sample: BaseDataElement) -> np.ndarray:
        """On RGB, (H, W, 3) uint8."""
        if max(picture.shape[:2]) > self.max_side:
            picture, sample = scaled(picture, sample, self.max_side)
        options = {"draw_gt": False, "pred_score_thr": self.score_thr}
        with TemporaryDirectory() as folder:
            scratch, side = Path(folder, "drawn.png"), max(TEXT_SIDE, min(picture.shape[:2]))
            drawn = draw_sample(self.visualizer, picture, sample, scratch, side, **options)
        return picture if drawn is None else drawn
