"""Predictions as files: COCO's json, index masks, classes, and drawn pictures."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pycocotools.mask
from mmengine.structures import BaseDataElement
from mmengine.visualization import Visualizer
from PIL import Image

from ..files.images import read_picture
from ..files.whole_files import write_whole
from ..plots.data_samples import TEXT_SIDE, scaled


@dataclass
class Predictions:
    """What a run of predictions found, picture by picture.

    Args:
        kind: 'detection', 'segmentation' or 'classification'.
        classes: their names.
        score_thr: boxes and instances below this score are left out.
    """

    kind: str
    classes: tuple[str, ...]
    score_thr: float = 0.3
    images: list[dict] = field(default_factory=list)
    annotations: list[dict] = field(default_factory=list)

    def add(self, name: str, size: tuple[int, int], sample: BaseDataElement, folder: Path) -> str:
        """Keep the predictions of a picture; a semantic mask is written at once.

        Args:
            name: of the picture.
            size: height and width, in pixels.
            sample: what the model found.
            folder: `masks/NAME.png` in it is a semantic mask.

        Returns:
            What was found, in words.
        """
        image = {"id": len(self.images) + 1, "file_name": name, "height": size[0], "width": size[1]}
        self.images.append(image)
        if self.kind == "detection":
            return self._add_instances(sample, image["id"])
        if self.kind == "segmentation":
            mask = sample.pred_sem_seg.data[0].cpu().numpy().astype(np.uint8)
            file = folder / "masks" / f"{name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(file)
            image["mask"] = str(file.relative_to(folder))
            shares = np.bincount(mask.ravel(), minlength=len(self.classes)) / mask.size
            image["shares"] = {
                c: round(float(s), 4) for c, s in zip(self.classes, shares, strict=False) if s
            }
            return f"{len(image['shares'])} classes"
        scores = sample.pred_score.cpu().numpy()
        best = int(scores.argmax())
        image["class"], image["score"] = self.classes[best], round(float(scores[best]), 4)
        image["scores"] = {
            c: round(float(s), 4) for c, s in zip(self.classes, scores, strict=False)
        }
        return f"{image['class']} ({image['score']:.2f})"

    def _add_instances(self, sample: BaseDataElement, image_id: int) -> str:
        instances = sample.pred_instances.cpu().numpy()
        kept = np.flatnonzero(instances.scores >= self.score_thr)
        for index in kept:
            left, top, right, bottom = (float(value) for value in instances.bboxes[index])
            annotation = {
                "id": len(self.annotations) + 1,
                "image_id": image_id,
                "category_id": int(instances.labels[index]) + 1,
                "bbox": [round(v, 2) for v in (left, top, right - left, bottom - top)],
                "area": round((right - left) * (bottom - top), 2),
                "iscrowd": 0,
                "score": round(float(instances.scores[index]), 4),
            }
            if "masks" in instances:
                coded = pycocotools.mask.encode(np.asfortranarray(instances.masks[index], np.uint8))
                annotation["area"] = int(pycocotools.mask.area(coded))
                annotation["segmentation"] = {**coded, "counts": coded["counts"].decode()}
            self.annotations.append(annotation)
        return f"{len(kept)} objects"

    def write(self, file: Path) -> None:
        """Write the json, as a whole or not at all.

        Detections have COCO's form: `annotations`, with their scores, is what COCO's evaluation
        takes as results.
        """
        content: dict = {"images": self.images}
        names = enumerate(self.classes, 1 if self.kind == "detection" else 0)
        content["categories"] = [{"id": number, "name": name} for number, name in names]
        if self.kind == "detection":
            content["annotations"] = self.annotations
        write_whole(file, json.dumps(content))


def draw(
    visualizer: Visualizer,
    picture: np.ndarray,
    sample: BaseDataElement,
    score_thr: float,
    max_side: int,
    scratch: Path,
) -> np.ndarray:
    """The picture with its predictions.

    Args:
        visualizer: from `Predictor.visualizer`.
        picture: RGB, (H, W, 3) uint8.
        sample: what the model found in it; its boxes and masks are scaled with the picture.
        score_thr: lowest score that is drawn.
        max_side: larger pictures are drawn at this longer side, in pixels.
        scratch: an image file that is written over.

    Returns:
        RGB, uint8.
    """
    if max(picture.shape[:2]) > max_side:
        picture, sample = scaled(picture, sample, max_side)
    if hasattr(visualizer, "visualize_cls"):  # mmpretrain's
        return visualizer.visualize_cls(
            picture,
            sample,
            draw_gt=False,
            resize=max(TEXT_SIDE, min(picture.shape[:2])),
            out_file=str(scratch),
        )
    options = {"pred_score_thr": score_thr} if "pred_instances" in sample else {}
    visualizer.add_datasample(
        "prediction", picture, sample, draw_gt=False, out_file=str(scratch), **options
    )
    return read_picture(scratch)
