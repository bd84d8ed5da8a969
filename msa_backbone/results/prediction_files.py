"""What a run of predictions found: drawn pictures, json in COCO's form, and index masks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..files.whole_files import write_whole
from ..plots.grid import side_by_side
from .drawing import at_most
from .objects import Objects
from .result import Picture, PictureModel, Result
from .segmentation import Segmentation


@dataclass(frozen=True)
class Output:
    """Where results go, and which.

    Attributes:
        folder: of the results.
        least: the lowest score of an object, or one for each class.
        max_side: larger pictures are drawn at this longer side, in pixels.
    """

    folder: Path
    least: float | Sequence[float] = 0.3
    max_side: int = 1920

    def draw(self, model: PictureModel, picture: Picture, result: Result) -> np.ndarray:
        """What was found, drawn into every camera's picture, side by side; RGB, uint8."""
        drawn = [result.draw(view) for view in model.views(picture).values()]
        return side_by_side([at_most(view, self.max_side) for view in drawn])


class Predictions:
    """Collects predictions, picture by picture, and writes them.

    Args:
        classes: the model's.
        folder: of the results, where semantic masks go.

    Attributes:
        images, annotations: a record of each picture and of each object, in COCO's form.
    """

    def __init__(self, classes: Sequence[str], folder: Path) -> None:
        self.classes, self.folder = classes, folder
        self.images: list[dict] = []
        self.annotations: list[dict] = []
        self.finds_objects = False

    def add(self, name: str, size: tuple[int, int], result: Result) -> str:
        """Keep what was found in a picture of this height and width; say it in words.

        A semantic mask is written at once.
        """
        image = {"id": len(self.images) + 1, "file_name": name, "height": size[0], "width": size[1]}
        self.images.append(image | self._mask(name, result) | result.record())
        self.finds_objects |= isinstance(result, Objects)
        for record in result.records():
            number = len(self.annotations) + 1
            self.annotations.append({"id": number, "image_id": image["id"], **record})
        return result.words()

    def _mask(self, name: str, result: Result) -> dict:
        if not isinstance(result, Segmentation):
            return {}
        file = self.folder / "masks" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(result.labels).save(file)
        return {"mask": str(file.relative_to(self.folder))}

    def write(self, file: Path) -> None:
        """Write the json; its `annotations` are results as COCO's evaluation takes them."""
        first = 1 if self.finds_objects else 0  # COCO counts its categories from 1
        categories = [{"id": id, "name": name} for id, name in enumerate(self.classes, first)]
        content = {"images": self.images, "categories": categories}
        if self.finds_objects:
            content["annotations"] = self.annotations
        write_whole(file, json.dumps(content))
