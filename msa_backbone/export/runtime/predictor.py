"""An exported file as a function from pictures to predictions."""

from pathlib import Path

import numpy as np

from ...errors import DataError
from .file_info import FileInfo
from .paste_masks import paste_masks
from .sessions import open_session


class RuntimePredictor:
    """Predicts with an exported file.

    Args:
        file: from tools/export.py.
        threads: of the computation; by default the program decides.

    Attributes:
        info: what the file says about itself: task, classes, thresholds.

    Raises:
        DataError: for a file that cannot be read or is not one of ours.

    Example:
        >>> predictor = RuntimePredictor("model.onnx")  # doctest: +SKIP
        >>> predictor(picture)["boxes"]  # doctest: +SKIP
    """

    def __init__(self, file: str | Path, threads: int | None = None) -> None:
        self.file = Path(file)
        self._session = open_session(self.file, threads)
        self.info = FileInfo.from_metadata(self._session.metadata, str(file))

    def __call__(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        """Predict on one picture, RGB, (H, W, 3), uint8.

        Returns:
            detection: boxes, (K, 4), in pixels; scores, (K,), the highest first; labels, (K,)
            instance segmentation: these and masks, (K, H, W), bool
            semantic segmentation: classes, (H, W), uint8; logits, (classes, H, W)
            classification: scores and logits, (classes,)

        Raises:
            DataError: for another kind of array, or a size that the file does not take.
        """
        self._check(picture)
        found = self._session.run(np.ascontiguousarray(picture)[None])
        if "boxes" not in found:
            return {name: values[0] for name, values in found.items()}
        if "masks" in found:
            size, threshold = picture.shape[:2], self.info.mask_thr
            found["masks"] = paste_masks(found["masks"], found["boxes"], size, threshold)
        return found

    def _check(self, picture: np.ndarray) -> None:
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise DataError(
                f"a picture of shape {picture.shape} and {picture.dtype}: {self.file} takes RGB, "
                "uint8, (height, width, 3)"
            )
        wanted = self._session.size
        if any(
            side not in (None, given) for side, given in zip(wanted, picture.shape, strict=False)
        ):
            raise DataError(
                f"a picture of {picture.shape[1]} x {picture.shape[0]} pixels: {self.file} was "
                f"exported for {wanted[1]} x {wanted[0]}; export it without --size"
            )
