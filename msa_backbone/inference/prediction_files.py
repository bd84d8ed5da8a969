"""What a run of predictions found, as COCO's json, as classes with scores, or as index masks."""

import json
from pathlib import Path

import numpy as np
import pycocotools.mask
from mmengine.structures import BaseDataElement
from PIL import Image

from ..files.whole_files import write_whole
from ..tasks import Task
from .answers import answer_records
from .predictor import Predictor


class Predictions:
    """Collects predictions, picture by picture, and writes them.

    Args:
        predictor: the model, which knows the classes.
        score_thr: boxes and instances below this score are left out.
        out: the folder of the results, where semantic masks go.

    Attributes:
        images, annotations: a record of each picture and of each object, in COCO's form.
    """

    def __init__(self, predictor: Predictor, score_thr: float, out: Path) -> None:
        self.task, self.classes = predictor.task, predictor.classes
        self.score_thr, self.out = score_thr, out
        self.images: list[dict] = []
        self.annotations: list[dict] = []

    def add(self, name: str, size: tuple[int, int], sample: BaseDataElement) -> str:
        """Keep the predictions of a picture of this height and width; say them in words.

        A semantic mask is written at once.
        """
        image = {"id": len(self.images) + 1, "file_name": name, "height": size[0], "width": size[1]}
        self.images.append(image)
        if self.task.finds_objects:
            return self._add_instances(image, sample)
        if self.task is Task.SEMANTIC_SEGMENTATION:
            return self._add_mask(image, sample)
        if self.task is Task.QUESTIONS:
            image["answers"] = answer_records(sample)
            return "; ".join(f"{a['answer']} ({a['score']:.2f})" for a in image["answers"])
        if self.task is Task.CAPTIONS:
            image["caption"] = sample.pred_caption
            return sample.pred_caption
        return self._add_class(image, sample)

    def _add_instances(self, image: dict, sample: BaseDataElement) -> str:
        instances = sample.pred_instances.cpu().numpy()
        kept = np.flatnonzero(instances.scores >= self.score_thr)
        for index in kept:
            left, top, right, bottom = (float(value) for value in instances.bboxes[index])
            annotation = {
                "id": len(self.annotations) + 1,
                "image_id": image["id"],
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

    def _add_mask(self, image: dict, sample: BaseDataElement) -> str:
        mask = sample.pred_sem_seg.data[0].cpu().numpy().astype(np.uint8)
        file = self.out / "masks" / f"{image['file_name']}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(file)
        image["mask"] = str(file.relative_to(self.out))
        counts = np.bincount(mask.ravel(), minlength=len(self.classes))
        image["shares"] = {
            name: round(int(count) / mask.size, 4)
            for name, count in zip(self.classes, counts, strict=False)
            if count
        }
        return f"{len(image['shares'])} classes"

    def _add_class(self, image: dict, sample: BaseDataElement) -> str:
        scores = [round(float(score), 4) for score in sample.pred_score]
        best = int(sample.pred_score.cpu().numpy().argmax())
        image["class"], image["score"] = self.classes[best], scores[best]
        image["scores"] = dict(zip(self.classes, scores, strict=False))
        return f"{image['class']} ({image['score']:.2f})"

    def write(self, file: Path) -> None:
        """Write the json; its `annotations` are results as COCO's evaluation takes them."""
        first = 1 if self.task.finds_objects else 0  # COCO counts its categories from 1
        categories = [{"id": id, "name": name} for id, name in enumerate(self.classes, first)]
        content = {"images": self.images, "categories": categories}
        if self.task.finds_objects:
            content["annotations"] = self.annotations
        write_whole(file, json.dumps(content))
