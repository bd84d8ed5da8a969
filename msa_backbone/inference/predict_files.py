"""Predict on many pictures or on a video: progress, files as they come, no stop at a bad one."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from mmengine.config import Config
from PIL import Image

from ..errors import DataError
from ..files.images import read_image
from ..progress import format_time
from .prediction_files import Predictions, draw
from .predictor import Predictor
from .sources import ImageFile, Stream, frames_of, open_stream

WRITABLE = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


@dataclass
class PredictionRun:
    """What predictions are made with and where they go.

    Attributes:
        predictor: the model.
        cfg: its config, whose visualizer draws.
        out: the folder of the results.
        batch_size: pictures at a time.
        score_thr: lowest score of a box or instance.
        max_side: longer side of drawn pictures, in pixels.
        report: called with a line for every picture.
    """

    predictor: Predictor
    cfg: Config
    out: Path
    batch_size: int
    score_thr: float
    max_side: int
    report: Callable[[str], None]

    def __post_init__(self) -> None:
        self.visualizer = self.predictor.visualizer(self.cfg)

    def images(self, images: Sequence[ImageFile]) -> list[str]:
        """Predict on image files: `predictions.json`, masks, and drawn pictures by their names.

        Returns:
            The files that could not be read or predicted on, with the reason.
        """
        found = Predictions(self.predictor.kind, self.predictor.classes, self.score_thr)
        failed: list[str] = []
        start, waiting = time.time(), iter(images)
        done = 0
        while batch := list(islice(waiting, self.batch_size)):
            read: list[tuple[ImageFile, np.ndarray]] = []
            for image in batch:
                try:
                    read.append((image, read_image(image.path)))
                except DataError as error:
                    failed.append(str(error))
                    done += 1
                    self.report(f"[{done}/{len(images)}] {error}")
            for image, picture, sample in self._predict(read, failed):
                size = picture.shape[:2]
                words = found.add(image.name, size, sample, self.out)
                self._draw(picture, sample, self.out / "pictures" / image.name)
                done += 1
                left = (time.time() - start) / done * (len(images) - done)
                self.report(
                    f"[{done}/{len(images)}] {image.name}: {words}; {format_time(left)} left"
                )
        found.write(self.out / "predictions.json")
        return failed

    def _predict(
        self, read: Sequence[tuple[ImageFile, np.ndarray]], failed: list[str]
    ) -> Iterator[tuple]:
        """Images, pictures and samples; where a batch fails, one by one."""
        if not read:
            return
        try:
            samples = self.predictor([p for _, p in read], [i.name for i, _ in read])
        except Exception as error:  # whatever a model or a pipeline cannot take
            if len(read) > 1:
                for one in read:
                    yield from self._predict([one], failed)
                return
            failed.append(f"{read[0][0].path}: {type(error).__name__}: {error}")
            return
        yield from ((*pair, sample) for pair, sample in zip(read, samples, strict=True))

    def _draw(self, picture: np.ndarray, sample: object, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix.lower() not in WRITABLE:
            file = file.with_name(f"{file.name}.png")
        drawn = self._drawn(picture, sample)
        Image.fromarray(drawn).save(file)

    def _drawn(self, picture: np.ndarray, sample: object) -> np.ndarray:
        with TemporaryDirectory() as folder:
            scratch = Path(folder, "drawn.png")
            return draw(self.visualizer, picture, sample, self.score_thr, self.max_side, scratch)

    def stream(self, stream: Stream, most: int | None = None) -> int:
        """Predict on a video or a camera: `NAME.mp4` and `NAME.json`.

        A camera ends with Ctrl-C or after `most` frames; what was filmed until then is kept.

        Returns:
            The number of frames.

        Raises:
            DataError: if it cannot be opened or has no frame.
        """
        found = Predictions(self.predictor.kind, self.predictor.classes, self.score_thr)
        writer: cv2.VideoWriter | None = None
        stem = self.out / Path(stream.name).with_suffix("")
        start = time.time()
        with open_stream(stream) as capture:
            rate = capture.get(cv2.CAP_PROP_FPS) or 25.0
            total = min(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), most or 10**9)
            frames = frames_of(capture, most)
            try:
                while batch := list(islice(frames, self.batch_size)):
                    first = len(found.images)
                    names = [f"{stem.name}_{first + i:06d}" for i in range(len(batch))]
                    samples = self.predictor(batch, names)
                    for name, frame, sample in zip(names, batch, samples, strict=True):
                        words = found.add(name, frame.shape[:2], sample, self.out)
                        drawn = self._drawn(frame, sample)
                        if writer is None:
                            stem.parent.mkdir(parents=True, exist_ok=True)
                            writer = open_writer(stem.with_suffix(".mp4"), rate, drawn)
                        writer.write(np.ascontiguousarray(drawn[..., ::-1]))
                        done = len(found.images)
                        left = (time.time() - start) / done * (total - done)
                        of, rest = (
                            (f"/{total}", f"; {format_time(left)} left") if total > 0 else ("", "")
                        )
                        self.report(f"[{done}{of}] {name}: {words}{rest}")
            except KeyboardInterrupt:
                self.report(f"{stream.name}: stopped")
            finally:
                if writer is not None:
                    writer.release()
        if not found.images:
            raise DataError(f"{stream.source}: has no frame that can be read")
        found.write(stem.with_suffix(".json"))
        return len(found.images)


def open_writer(file: Path, rate: float, frame: np.ndarray) -> cv2.VideoWriter:
    """A video file for frames like this one."""
    height, width = frame.shape[:2]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"mp4v"), rate, (width, height))
    if not writer.isOpened():
        raise DataError(f"{file}: OpenCV cannot write this video")
    return writer
