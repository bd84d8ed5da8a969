"""A trained model in three lines of Python.

model = msa_backbone.load("work_dirs/x/epoch_5.pth")   # or "model.onnx", which needs no torch
found = model.predict("photo.jpg")
Image.fromarray(model.draw("photo.jpg", found)).show()
"""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .errors import DataError
from .export.runtime.file_model import FileModel
from .export.runtime.predictor import RuntimePredictor
from .export.runtime.sessions import SUFFIXES
from .inference.pairs import pair_inputs
from .inference.sources import find_sources
from .results.prediction_files import Output
from .results.result import Picture, PictureModel, Result
from .results.tiles import OVERLAP, Tiled

SCORE = 0.3
"""The least score of an object where nobody has found a better one for its class."""

QUESTIONS = "questions about images"
Image = str | Path | Picture


class Model:
    """Predicts on pictures.

    Args:
        source: a checkpoint, or an exported file.

    Attributes:
        source: the same.
        task: in words, such as 'detection'.
        classes: their names, by label; of questions the answers.
        thresholds: the least score of each class that counts; None where nobody has found them.
    """

    def __init__(self, source: PictureModel) -> None:
        self.source = source
        self._cameras = source.modalities  # before any folder was found
        self.task, self.classes = source.task, tuple(source.classes)
        self.thresholds = source.thresholds

    def predict(
        self,
        images: Image | Sequence[Image],
        *,
        score_thr: float | None = None,
        tiles: int | None = None,
        overlap: float = OVERLAP,
        questions: Sequence[str] = (),
    ) -> Result | list[Result]:
        """Predict on a picture, or on several.

        Args:
            images: a path; an array, RGB, (H, W, 3), uint8; a list of these; or a folder. Of
                several cameras the path of the first one's file, beside which the others' lie, or
                a dict of arrays, (H, W, C), by the cameras' names. An exported file takes one that
                is left out, or None, as absent; a checkpoint knows absent cameras by its config.
            score_thr: the least score of an object; by default the model's `thresholds`, or 0.3.
            tiles: side of the tiles that a large picture is predicted in, in pixels.
            overlap: the least part of a tile that it shares with the next one.
            questions: about every picture, of a model that answers them.

        Returns:
            `results.objects.Objects`, `results.segmentation.Segmentation`, or what
            `results.whole_picture` has; of a list or a folder one for each picture, in order.

        Raises:
            DataError: for a picture that cannot be read or does not fit the model.
        """
        if isinstance(images, str | Path) and Path(images).is_dir():
            found, _ = find_sources(self._placed(images), modalities=self._cameras)
            images = [image.path for image in found]
        if isinstance(images, Sequence) and not isinstance(images, str):
            options = {"score_thr": score_thr, "tiles": tiles, "overlap": overlap}
            return [self.predict(image, questions=questions, **options) for image in images]
        source = self.asking(questions)
        if tiles:
            source = Tiled(source, tiles, overlap, self.least(score_thr))
        picture, name = self._read(images)
        return source.find([picture], [name])[0].above(self.least(score_thr))

    def draw(self, image: Image, result: Result, max_side: int = 1920) -> np.ndarray:
        """What was found, drawn into the picture: RGB, (H, W, 3), uint8."""
        return Output(Path(), max_side=max_side).draw(self.source, self._read(image)[0], result)

    def least(self, score_thr: float | None = None) -> float | Sequence[float]:
        """The least score that counts: the given one, or those that are known."""
        return (self.thresholds or SCORE) if score_thr is None else score_thr

    def asking(self, questions: Sequence[str]) -> PictureModel:
        """The source, which asks these questions from now on.

        Raises:
            DataError: for questions to a model that answers none, and none to one that does.
        """
        if (self.task == QUESTIONS) != bool(questions):
            asks = "give" if self.task == QUESTIONS else "leave out"
            raise DataError(f"the model is for {self.task}: {asks} questions")
        self.source.questions = (questions,) if isinstance(questions, str) else tuple(questions)
        return self.source

    def _read(self, image: Image) -> tuple[Picture, str]:
        if isinstance(image, Mapping):
            return {name: values for name, values in image.items() if values is not None}, "picture"
        if isinstance(image, np.ndarray):
            return image, "picture"
        (path,) = map(Path, self._placed(image))
        return self.source.read(path), path.name

    def _placed(self, path: str | Path) -> list[str]:
        """The path; of several cameras the first one's, and the others are read from beside it."""
        inputs, placed = pair_inputs(self._cameras, self.source.absent, [str(path)])
        found = {modality.name: modality for modality in placed}
        if found:
            self.source.modalities = [found.get(m.name, m) for m in self._cameras]
        return inputs


def load(
    file: str | Path,
    config: str | Path | None = None,
    *,
    device: str = "cpu",
    threads: int | None = None,
) -> Model:
    """A model from what training or exporting left.

    Args:
        file: a checkpoint, or an exported file, .onnx or .xml, which needs no torch.
        config: of a checkpoint; by default the one that lies beside it.
        device: of a checkpoint, such as 'cuda:0'.
        threads: of an exported file; by default the program that runs it decides.

    Raises:
        ValueError, OSError: for what cannot be read or does not fit.

    Example:
        >>> model = load("work_dirs/demo/epoch_2.pth")  # doctest: +SKIP
        >>> found = model.predict("photo.jpg")  # doctest: +SKIP
        >>> found.boxes, found.scores, found.names  # doctest: +SKIP
    """
    if str(file).endswith(SUFFIXES):
        if device != "cpu" or config:
            name = f"config {config}" if config else f"device {device!r}"
            raise ValueError(f"{name} is for checkpoints, and {file} is exported: leave it out")
        return Model(FileModel(RuntimePredictor(file, threads)))
    if threads:
        raise ValueError(f"threads={threads} is for exported files: use torch.set_num_threads")
    if not (find_spec("torch") and find_spec("mmengine")):
        raise ValueError(
            f"{file}: a checkpoint needs torch and OpenMMLab; where they are, export it to a file "
            "that needs neither (tools/export.py), and load that"
        )
    from .config.load import load_config
    from .files.checkpoints import tensors_only
    from .inference.checkpoint_model import CheckpointModel
    from .inference.predictor import Predictor

    with tensors_only():  # what `load_config` sets for a tool's process ends here
        cfg = load_config(str(config or config_beside(Path(file))), None, {})
        return Model(CheckpointModel(Predictor(cfg, str(file), device)))


def config_beside(checkpoint: Path) -> Path:
    """The config that training left beside a checkpoint.

    Raises:
        DataError: if there is no checkpoint, no config, or several.
    """
    if not checkpoint.is_file():
        raise DataError(f"{checkpoint}: no such file; check the path")
    found = sorted(checkpoint.parent.glob("*.py"))
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found)
    problem = f"several configs beside it ({names})" if found else "no config beside it"
    raise DataError(f"{checkpoint}: {problem}; name its config")
