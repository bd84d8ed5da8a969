"""Predict on a video or a camera, frame by frame."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import cv2

from ..errors import DataError
from ..progress import Step
from .draw_predictions import PredictionDrawer
from .prediction_files import Predictions
from .predictor import Predictor
from .result_names import require_another_file
from .sources import Stream
from .videos import VideoFile, frames_of, open_stream

USUAL_RATE = 25.0
"""Frames a second of a stream that does not say it."""


def predict_video(
    predictor: Predictor,
    draw: PredictionDrawer,
    video: Stream,
    name: str,
    out: Path,
    batch_size: int = 1,
    most: int | None = None,
) -> Iterator[Step]:
    """Predict on frames, and write `OUT/NAME.mp4` and `OUT/NAME.json`.

    Whoever stops in between, with Ctrl-C or by closing the iterator, keeps what was predicted.

    Args:
        name: of the results, one of `result_names.video_names`.
        draw, out, batch_size: as in `predict_images`.
        most: frames to predict on; by default all.

    Yields:
        A step for every frame; their total is None for a camera without a limit.

    Raises:
        DataError: if the stream cannot be opened or has no frame, or the results would replace it.
    """
    if predictor.modalities:
        raise DataError(
            f"{video.source}: shows one camera, and the model takes "
            f"{', '.join(m.name for m in predictor.modalities)}; give their pictures in folders"
        )
    drawn_file = out / f"{name}.mp4"
    require_another_file(drawn_file, Path(str(video.source)))
    found = Predictions(predictor, draw.score_thr, out)
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
                    samples = predictor(batch, names)
                    for frame_name, frame, sample in zip(names, batch, samples, strict=True):
                        words = found.add(frame_name, frame.shape[:2], sample)
                        film.write(draw(frame, sample))
                        yield Step(f"{frame_name}: {words}", len(found.images), total)
        finally:
            if found.images:
                found.write(out / f"{name}.json")
    if not found.images:
        raise DataError(f"{video.source}: has no frame that can be read")
