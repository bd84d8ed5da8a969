"""Predict on a video or a camera, frame by frame."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import cv2

from ..errors import DataError
from ..progress import Step
from ..results.prediction_files import Output, Predictions
from ..results.result import PictureModel
from .result_names import require_another_file
from .sources import Stream
from .videos import VideoFile, frames_of, open_stream

USUAL_RATE = 25.0
"""Frames a second of a stream that does not say it."""


def predict_video(
    model: PictureModel,
    output: Output,
    video: Stream,
    name: str,
    batch_size: int = 1,
    most: int | None = None,
) -> Iterator[Step]:
    """Predict on frames, and write `OUT/NAME.mp4` and `OUT/NAME.json`.

    Whoever stops in between, with Ctrl-C or by closing the iterator, keeps what was predicted.

    Args:
        name: of the results, one of `result_names.video_names`.
        model, output, batch_size: as in `predict_images`.
        most: frames to predict on; by default all.

    Yields:
        A step for every frame; their total is None for a camera without a limit.

    Raises:
        DataError: if the stream cannot be opened or has no frame, or the results would replace it.
    """
    if model.modalities:
        raise DataError(
            f"{video.source}: shows one camera, and the model takes "
            f"{', '.join(m.name for m in model.modalities)}; give their pictures in folders"
        )
    out = output.folder
    drawn_file = out / f"{name}.mp4"
    require_another_file(drawn_file, {Path(str(video.source)).resolve()})
    found = Predictions(model.classes, out)
    with open_stream(video) as capture:
        rate = capture.get(cv2.CAP_PROP_FPS) or USUAL_RATE
        length = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))  # 0 or less where nobody knows
        total = min(length, most or length) if length > 0 else most
        frames = islice(frames_of(capture), most)
        try:
            with closing(VideoFile(drawn_file, rate)) as film:
                while batch := list(islice(frames, batch_size)):
                    first = len(found.images)
                    names = [f"{name}_{first + i:06d}" for i in range(len(batch))]
                    results = model.find(batch, names)
                    for frame_name, frame, result in zip(names, batch, results, strict=True):
                        shown = result.above(output.least)
                        words = found.add(frame_name, frame.shape[:2], shown)
                        film.write(output.draw(model, frame, shown))
                        yield Step(f"{frame_name}: {words}", len(found.images), total)
        finally:
            if found.images:
                found.write(out / f"{name}.json")
    if not found.images:
        raise DataError(f"{video.source}: has no frame that can be read")
