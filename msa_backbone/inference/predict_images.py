"""Predict on many image files: results as they come, and no stop at a bad file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from mmengine.structures import BaseDataElement
from PIL import Image

from ..errors import DataError
from ..progress import Step
from .draw_predictions import PredictionDrawer
from .prediction_files import Predictions
from .predictor import Predictor
from .result_names import PREDICTIONS, picture_name, require_another_file
from .sources import ImageFile


def predict_images(
    predictor: Predictor,
    draw: PredictionDrawer,
    images: Sequence[ImageFile],
    out: Path,
    batch_size: int,
) -> Iterator[Step]:
    """Predict on image files; see `result_names` for the files that this writes.

    Args:
        draw: gives the drawn pictures; what it leaves out for its score, the json leaves out too.
        out: the folder of the results.
        batch_size: pictures that the model gets at a time.

    Yields:
        A step for every image, when its files are written. A file that cannot be read or predicted
        on is a failed step, with its path and the reason.
    """
    found, done = Predictions(predictor, draw.score_thr, out), 0
    for start in range(0, len(images), batch_size):
        for image, result in _predict_batch(predictor, images[start : start + batch_size], out):
            done += 1
            if isinstance(result, str):
                yield Step(result, done, len(images), failed=True)
                continue
            picture, sample = result
            words = found.add(image.name, picture.shape[:2], sample)
            drawn = _picture_file(out, image)
            drawn.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw(picture, sample)).save(drawn)
            yield Step(f"{image.name}: {words}", done, len(images))
    found.write(out / f"{PREDICTIONS}.json")


def _picture_file(out: Path, image: ImageFile) -> Path:
    return out / "pictures" / picture_name(image.name)


def _predict_batch(
    predictor: Predictor, batch: Sequence[ImageFile], out: Path
) -> Iterator[tuple[ImageFile, str | tuple[np.ndarray, BaseDataElement]]]:
    """Every image with its pixels and its predictions, or with the reason why there are none."""
    pictures: dict[ImageFile, np.ndarray] = {}
    for image in batch:
        try:
            require_another_file(_picture_file(out, image), image.path)
            pictures[image] = predictor.read(image.path)
        except DataError as error:
            yield image, str(error)
    if not pictures:
        return
    try:
        samples = predictor(list(pictures.values()), [image.name for image in pictures])
    except Exception as error:  # whatever a model or a pipeline cannot take
        if len(batch) == 1:
            yield batch[0], f"{batch[0].path}: {type(error).__name__}: {error}"
            return
        for image in pictures:  # one of them is at fault: the others have a chance alone
            yield from _predict_batch(predictor, [image], out)
        return
    for (image, picture), sample in zip(pictures.items(), samples, strict=True):
        yield image, (picture, sample)
