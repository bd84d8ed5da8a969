"""Predict on many image files: results as they come, and no stop at a bad file."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from PIL import Image

from ..errors import DataError
from ..progress import Step
from ..results.pictures import size_of
from ..results.prediction_files import Output, Predictions
from ..results.result import Picture, PictureModel, Result
from .result_names import PREDICTIONS, picture_name, require_another_file
from .sources import ImageFile


def predict_images(
    model: PictureModel, output: Output, images: Sequence[ImageFile], batch_size: int
) -> Iterator[Step]:
    """Predict on image files; see `result_names` for the files that this writes.

    Whoever stops in between, with Ctrl-C or by closing the iterator, keeps what was predicted.

    Args:
        output: the folder, and what is left out for its score.
        batch_size: pictures that the model gets at a time.

    Yields:
        A step for every image, when its files are written. A file that cannot be read or predicted
        on is a failed step, with its path and the reason.
    """
    out = output.folder
    found, done = Predictions(model.classes, out), 0
    sources = {image.path.resolve() for image in images}
    try:
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            for image, result in _predict_batch(model, batch, out, sources):
                done += 1
                if isinstance(result, str):
                    yield Step(result, done, len(images), failed=True)
                    continue
                picture, shown = result[0], result[1].above(output.least)
                words = found.add(image.name, size_of(picture), shown)
                drawn = _picture_file(out, image)
                drawn.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(output.draw(model, picture, shown)).save(drawn)
                yield Step(f"{image.name}: {words}", done, len(images))
    finally:
        if found.images or done == len(images):
            found.write(out / f"{PREDICTIONS}.json")


def _picture_file(out: Path, image: ImageFile) -> Path:
    return out / "pictures" / picture_name(image.name)


def _predict_batch(
    model: PictureModel, batch: Sequence[ImageFile], out: Path, sources: Collection[Path]
) -> Iterator[tuple[ImageFile, str | tuple[Picture, Result]]]:
    """Every image with its pixels and its predictions, or with the reason why there are none."""
    pictures: dict[ImageFile, Picture] = {}
    for image in batch:
        try:
            require_another_file(_picture_file(out, image), sources)
            pictures[image] = model.read(image.path)
        except DataError as error:
            yield image, str(error)
    if not pictures:
        return
    try:
        results = model.find(list(pictures.values()), [image.name for image in pictures])
    except Exception as error:  # whatever a model or a pipeline cannot take
        if len(batch) == 1:
            yield batch[0], f"{batch[0].path}: {type(error).__name__}: {error}"
            return
        for image in pictures:  # one of them is at fault: the others have a chance alone
            yield from _predict_batch(model, [image], out, sources)
        return
    for (image, picture), result in zip(pictures.items(), results, strict=True):
        yield image, (picture, result)
