"""Large photos in tiles: predicted one by one, and joined.

A network shrinks what it gets to the size that it was trained on. In a photo of many small objects
nothing of them is left then. Tiles overlap, so that every object that is smaller than the overlap
lies inside of one of them as a whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import DataError
from .join_objects import TileObjects, join_objects
from .pictures import cut, size_of
from .result import Picture, PictureModel, Result
from .segmentation import Segmentation

OVERLAP = 0.2
Box = tuple[int, int, int, int]
"""(left, top, right, bottom), in pixels."""


def tiles_of(size: tuple[int, int], side: int, overlap: float) -> Iterator[Box]:
    """Squares that cover a picture of this height and width, evenly spread.

    Args:
        side: of a tile, in pixels; a picture that is smaller on a side has tiles of its own size.
        overlap: the least part of a tile that it shares with the next one, in 0..1.
    """
    starts = []
    for length in size:
        tile = min(side, length)
        step = max(1, int(tile * (1 - overlap)))
        number = -(-(length - tile) // step) + 1
        starts.append(np.linspace(0, length - tile, number).round().astype(int).tolist())
    for top in starts[0]:
        for left in starts[1]:
            yield left, top, left + min(side, size[1]), top + min(side, size[0])


class Tiled:
    """A model that predicts on tiles; all else is the model's.

    Args:
        model: finds objects, or classes of pixels.
        side, overlap: as in `tiles_of`.
        least: as in `join_objects`.

    Raises:
        DataError: for a model of another task, whose results cannot be joined.
    """

    def __init__(
        self,
        model: PictureModel,
        side: int,
        overlap: float = OVERLAP,
        least: float | Sequence[float] = 0.0,
    ) -> None:
        if not 0 <= overlap < 1:
            raise DataError(f"--overlap {overlap}: give a part of a tile, 0 or more and below 1")
        if model.task not in ("detection", "instance segmentation", "semantic segmentation"):
            raise DataError(f"--tiles joins boxes and masks, and the model is for {model.task}")
        self._model, self._side, self._overlap, self._least = model, side, overlap, least
        self.task, self.classes, self.questions = model.task, model.classes, ()
        self.modalities, self.absent = model.modalities, model.absent
        self.thresholds = model.thresholds

    def read(self, path: Path) -> Picture:
        return self._model.read(path)

    def views(self, picture: Picture) -> Mapping[str, np.ndarray]:
        return self._model.views(picture)

    def find(self, pictures: Sequence[Picture], names: Sequence[str]) -> list[Result]:
        return [self._find(*pair) for pair in zip(pictures, names, strict=True)]

    def _find(self, picture: Picture, name: str) -> Result:
        size = size_of(picture)
        boxes = list(tiles_of(size, self._side, self._overlap))
        if len(boxes) == 1:
            return self._model.find([picture], [name])[0]
        results = (self._model.find([cut(picture, box)], [name])[0] for box in boxes)
        if self.task == "semantic segmentation":
            return blend(zip(boxes, results, strict=True), size)
        tiles = [TileObjects(box, found) for box, found in zip(boxes, results, strict=True)]
        return join_objects(tiles, size, self._least)


def blend(tiles: Iterator[tuple[Box, Segmentation]], size: tuple[int, int]) -> Segmentation:
    """Logits of tiles as one picture's: near its border a tile, which sees less there, counts less.

    Args:
        tiles: each with its place.
        size: height and width of the picture.
    """
    total, weights, last = None, np.zeros(size, np.float32), None
    for (left, top, right, bottom), last in tiles:
        weight = np.minimum.outer(_rising(bottom - top), _rising(right - left))
        if total is None:
            total = np.zeros((len(last.logits), *size), np.float32)
        total[:, top:bottom, left:right] += weight * last.logits
        weights[top:bottom, left:right] += weight
    logits = total / weights
    if len(logits) > 1:
        labels = logits.argmax(axis=0)
    else:
        labels = logits[0] > np.log(last.threshold / (1 - last.threshold))
    return Segmentation(labels.astype(np.uint8), logits, last.classes, last.palette, last.threshold)


def _rising(length: int) -> np.ndarray:
    """1, 2, 3, ... from both ends to the middle."""
    places = np.arange(1, length + 1, dtype=np.float32)
    return np.minimum(places, places[::-1])
