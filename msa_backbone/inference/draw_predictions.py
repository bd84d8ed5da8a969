"""Pictures with what a model found in them, drawn by the toolbox's visualizer."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mmengine.config import Config
from mmengine.structures import BaseDataElement

from ..files.images import read_image
from ..plots.data_samples import TEXT_SIDE, scaled
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
        self.visualizer = predictor.visualizer(cfg)
        self.score_thr, self.max_side = score_thr, max_side

    def __call__(self, picture: np.ndarray, sample: BaseDataElement) -> np.ndarray:
        """The picture with its predictions.

        Args:
            picture: RGB, (H, W, 3) uint8.
            sample: what the model found in it; its boxes and masks are scaled with the picture.

        Returns:
            RGB, uint8.
        """
        if max(picture.shape[:2]) > self.max_side:
            picture, sample = scaled(picture, sample, self.max_side)
        # Not all visualizers return what they draw: all write it to a file.
        with TemporaryDirectory() as folder:
            file = Path(folder, "drawn.png")
            if hasattr(self.visualizer, "visualize_cls"):  # mmpretrain's
                side = max(TEXT_SIDE, min(picture.shape[:2]))  # below, the text has no room
                return self.visualizer.visualize_cls(
                    picture, sample, draw_gt=False, resize=side, out_file=str(file)
                )
            options = {"pred_score_thr": self.score_thr} if "pred_instances" in sample else {}
            self.visualizer.add_datasample(
                "prediction", picture, sample, draw_gt=False, out_file=str(file), **options
            )
            return read_image(file)
