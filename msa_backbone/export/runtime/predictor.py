"""An exported file as a function from pictures to predictions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import DataError
from .file_info import INPUT, PRESENT, TOKENS, FileInfo
from .paste_masks import paste_masks
from .sessions import open_session
from .words import tokens_of

Picture = np.ndarray | Mapping[str, np.ndarray]
"""RGB, (H, W, 3), uint8; of several cameras (H, W, C) each, by name, colours as RGB, uint8 or, for
a file whose `info.dtype` is float32, numbers of any kind."""


class RuntimePredictor:
    """Predicts with an exported file.

    Args:
        file: from tools/export.py.
        threads: of the computation; by default the program decides.

    Attributes:
        info: what the file says about itself: task, classes, thresholds, cameras, words.

    Raises:
        DataError: for a file that cannot be read or is not one of ours.

    Example:
        >>> predictor = RuntimePredictor("model.onnx")  # doctest: +SKIP
        >>> predictor(picture)["boxes"]  # doctest: +SKIP
        >>> predictor({"visible": rgb, "infrared": grey})["boxes"]  # doctest: +SKIP
        >>> predictor(picture, ["how many cats are there?"])["scores"]  # doctest: +SKIP
    """

    def __init__(self, file: str | Path, threads: int | None = None) -> None:
        self.file = Path(file)
        self._session = open_session(self.file, threads)
        self.info = FileInfo.from_metadata(self._session.metadata, str(file))

    def __call__(self, picture: Picture, questions: Sequence[str] = ()) -> dict[str, np.ndarray]:
        """Predict on one picture.

        Args:
            picture: of several cameras, one that is left out counts as absent.
            questions: about it, for a model that answers them.

        Returns:
            detection: boxes, (K, 4), in pixels; scores, (K,), the highest first; labels, (K,)
            instance segmentation: these and masks, (K, H, W), bool
            semantic segmentation: classes, (H, W), uint8; logits, (classes, H, W)
            classification: scores and logits, (classes,)
            questions about images: scores and logits, (questions, answers)

        Raises:
            DataError: for another kind of array, a size or a camera that the file does not take,
                or questions that fit no model of its task.
        """
        inputs = self.inputs(picture, questions)
        found = self._session.run(inputs)
        if self.info.vocabulary:
            return found
        if "boxes" not in found:
            return {name: values[0] for name, values in found.items()}
        if "masks" in found:
            size, threshold = next(iter(inputs.values())).shape[1:3], self.info.mask_thr
            found["masks"] = paste_masks(found["masks"], found["boxes"], size, threshold)
        return found

    def inputs(self, picture: Picture, questions: Sequence[str] = ()) -> dict[str, np.ndarray]:
        """What the file's graph takes, by name; raises what `__call__` does."""
        if bool(questions) != bool(self.info.vocabulary):
            asks = "give questions" if self.info.vocabulary else "it answers no questions"
            raise DataError(f"{self.file} is for {self.info.task}: {asks}")
        questions = [questions] if isinstance(questions, str) else questions
        words = {TOKENS: tokens_of(questions, self.info.vocabulary)} if questions else {}
        if not self.info.modalities:
            return {INPUT: self._checked(picture, 3)[None], **words}
        return self._of_cameras(picture) | words

    def _of_cameras(self, pictures: Picture) -> dict[str, np.ndarray]:
        """The cameras' inputs: zeros for those that are absent."""
        known = [modality.name for modality in self.info.modalities]
        given = pictures if isinstance(pictures, Mapping) else {}
        given = {name: values for name, values in given.items() if values is not None}
        if not given or given.keys() - set(known):
            raise DataError(
                f"{self.file} takes pictures of {', '.join(known)}: give a dict of them by these "
                "names, one or more"
            )
        inputs = {}
        for modality in self.info.modalities:
            if modality.name not in given:
                continue
            values = given[modality.name]
            values = values[..., None] if getattr(values, "ndim", 0) == 2 else values
            values = self._checked(values, modality.channels, f"{modality.name}, ")
            size = next(iter(inputs.values())).shape[1:3] if inputs else values.shape[:2]
            if not (modality.unknown or np.isfinite(values).all()):
                raise DataError(
                    f"{modality.name}: NaN or infinite values; mend the picture, or train and "
                    f"export with unknown=True for {modality.name}"
                )
            if values.shape[:2] != size:
                raise DataError(
                    f"{modality.name}: {values.shape[1]} x {values.shape[0]} pixels, but the first "
                    f"camera has {size[1]} x {size[0]}; bring both into one frame"
                )
            inputs[modality.name] = values[None]
        for modality in self.info.modalities:
            nothing = np.zeros((1, *size, modality.channels), self.info.dtype)
            inputs.setdefault(modality.name, nothing)
        return inputs | {PRESENT: np.array([name in given for name in known])}

    def _checked(self, picture: np.ndarray, channels: int, camera: str = "") -> np.ndarray:
        """The picture in the file's dtype."""
        whole = self.info.dtype == "uint8"
        right = isinstance(picture, np.ndarray) and (
            picture.dtype == np.uint8 if whole else picture.dtype.kind in "uif"
        )
        if not right or picture.ndim != 3 or picture.shape[2] != channels:
            given = f"shape {getattr(picture, 'shape', None)} and {getattr(picture, 'dtype', None)}"
            raise DataError(
                f"a picture of {camera}{given}: {self.file} takes {self.info.picture(channels)}"
                + ("; export it with --dtype float32 for more bits" if camera and whole else "")
            )
        size = self._session.size
        if any(side not in (None, given) for side, given in zip(size, picture.shape, strict=False)):
            raise DataError(
                f"a picture of {picture.shape[1]} x {picture.shape[0]} pixels: {self.file} was "
                f"exported for {size[1]} x {size[0]}; export it without --size"
            )
        return np.ascontiguousarray(picture, self.info.dtype)
