"""What a report says of a detector: COCO's precision-recall curves, and who was taken for whom."""

import contextlib
import io
from collections.abc import Mapping

import numpy as np
import pycocotools.mask
import torch
from mmengine.structures import BaseDataElement, InstanceData
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ...inference.thresholds import lies_within
from ..contents import Confusion, Findings
from ..curves_and_confusion import Curve, box_confusion, f1, match_boxes, without_truth
from .base import Judge, Judged, class_rates

OVERLAP = 0.5  # the least IoU of a box with the object that it has found
MOST_BOXES = 1000  # of an image, as in mmdet's CocoMetric
BACKGROUND = "background"


class DetectionJudge(Judge):
    """Judges models that find boxes, with masks or without.

    Average precision is pycocotools'; it ranks boxes by their scores. The confusion matrix and the
    images' scores need boxes that are either there or not: those from `score_thr` on.
    """

    ranked_by = "F1 of the boxes at IoU 0.5"

    def __init__(self, classes: tuple[str, ...], score_thr: float) -> None:
        super().__init__(classes, score_thr)
        self.ranked_by = f"{self.ranked_by} with a score of {score_thr:g} or more"
        self.matrix = np.zeros((len(classes) + 1,) * 2, dtype=np.int64)
        self.images: list[dict] = []
        self.truths: list[dict] = []
        self.results: list[dict] = []
        self.without_masks = self.with_masks = False

    def judge(self, index: int, sample: BaseDataElement, info: Mapping) -> Judged:
        if "pred_instances" not in sample or "labels" not in sample.pred_instances:
            raise ValueError("the report of a detector needs boxes: the model predicts none")
        from torchvision.ops import box_iou  # takes a second, which a tool's --help has not

        found = sample.pred_instances.cpu()
        truth, ignored = true_instances(info, sample.ori_shape, "masks" in found)
        self._collect(index, sample.ori_shape, truth, ignored, found)
        kept = found[found.scores >= self.score_thr]
        crowds, truth = truth[ignored], truth[~ignored]
        truths = truth.labels.numpy()
        boxes, labels = kept.bboxes.float().numpy(), kept.labels.numpy()
        overlaps = box_iou(kept.bboxes.float(), truth.bboxes).numpy()
        matched = match_boxes(overlaps, kept.scores.numpy(), labels, truths, OVERLAP)
        # What fits no object and lies in a crowd of its class is neither right nor wrong.
        in_crowd = lies_within(boxes, labels, crowds.bboxes.numpy(), crowds.labels.numpy())
        counts = (matched >= 0) | ~in_crowd
        kept, matched, labels = kept[torch.from_numpy(counts)], matched[counts], labels[counts]
        confusion = box_confusion(matched, labels, truths, len(self.classes))
        self.matrix += confusion
        right = int(confusion.diagonal().sum())
        words = f"{right} of {len(truths)} found, {len(labels) - right} wrong or too many"
        drawn = type(sample)(metainfo=sample.metainfo)
        drawn.gt_instances, drawn.pred_instances = truth, kept
        size = len(truths) + len(labels)
        return Judged(index, f1(right, len(labels), len(truths)), size, words, drawn)

    def _collect(
        self,
        index: int,
        shape: tuple[int, int],
        truth: InstanceData,
        ignored: torch.Tensor,
        found: InstanceData,
    ) -> None:
        """Keep an image's boxes and masks as COCO writes them."""
        self.images.append({"id": index, "height": shape[0], "width": shape[1]})
        for row, crowd in enumerate(ignored.tolist()):
            record = {"id": len(self.truths) + 1, "iscrowd": int(crowd)}
            self.truths.append(record | _record(index, truth, row))
        for row, score in enumerate(found.scores.tolist()):
            self.results.append({"score": score} | _record(index, found, row))
        masks = "masks" in truth and "masks" in found
        self.with_masks |= masks
        self.without_masks |= len(truth) > 0 and not masks

    def findings(self) -> Findings:
        scores: dict[str, np.ndarray] = {}
        curves: dict[str, list[Curve]] = {}
        kinds = [("bbox", "box", "Boxes")]
        if self.with_masks and not self.without_masks:
            kinds.append(("segm", "mask", "Masks"))
        for kind, what, title in kinds:
            precision = coco_precision(
                self.images, self.truths, self.results, kind, len(self.classes)
            )
            scores[f"{what} AP"] = mean_precision(precision)
            scores[f"{what} AP50"] = mean_precision(precision[:1])
            scores[f"{what} AP75"] = mean_precision(precision[5:6])
            curves[f"{title}, each class at IoU 0.5"] = coco_curves(precision[0], self.classes)
            curves[f"{title}, mean over the classes"] = mean_curves(precision)
        rates = class_rates(self.matrix)
        scores |= {name: rates[name][:-1] for name in ("precision", "recall")}
        scores["objects"] = self.matrix.sum(axis=1)[:-1]
        note = (
            f"Boxes with a score of {self.score_thr:g} or more, paired one to one at IoU 0.5, the "
            f"right ones first. Row {BACKGROUND}: boxes where nothing is; its column: missed ones. "
            "What fits no object and lies in a crowd of its class is not counted."
        )
        names = (*self.classes, BACKGROUND)
        coco = "At COCO's 101 recalls, for all scores; the average precision is in brackets."
        return Findings(scores, curves, coco, Confusion(self.matrix, names, "boxes", note))


def true_instances(
    info: Mapping, shape: tuple[int, int], with_masks: bool
) -> tuple[InstanceData, torch.Tensor]:
    """The true boxes of an image in the pixels of its file, and which of them are crowds.

    Args:
        info: of a data set of mmdet (`get_data_info`).
        shape: the image's height and width.
        with_masks: read masks as well, if every box has one.

    Returns:
        `bboxes` (n, 4), `labels` (n,) and maybe `masks` (n, H, W) bool; and (n,) bool.
    """
    from mmdet.datasets.transforms import LoadAnnotations

    instances = info.get("instances", [])
    with_masks = with_masks and all(instance.get("mask") for instance in instances)
    load = LoadAnnotations(with_bbox=True, with_mask=with_masks, box_type=None)
    size = {"height": shape[0], "width": shape[1], "ori_shape": shape}
    loaded = load({"img_path": info.get("img_path"), "instances": instances, **size})
    truth = InstanceData(
        bboxes=torch.from_numpy(loaded["gt_bboxes"]).view(-1, 4).float(),
        labels=torch.from_numpy(loaded["gt_bboxes_labels"]).long(),
    )
    if with_masks:
        masks = loaded["gt_masks"].masks.reshape(len(truth), *shape)
        truth.masks = torch.from_numpy(masks.astype(bool))
    return truth, torch.from_numpy(loaded["gt_ignore_flags"]).bool()


def coco_precision(
    images: list[dict], truths: list[dict], results: list[dict], kind: str, classes: int
) -> np.ndarray:
    """COCO's precision, (10 overlaps, 101 recalls, classes); -1 for a class without truth.

    Args:
        images, truths, results: as in COCO's files; category ids are the classes' numbers plus 1.
        kind: 'bbox' or 'segm'.
        classes: how many.
    """
    categories = [{"id": label + 1} for label in range(classes)]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"images": images, "annotations": truths, "categories": categories}
        truth.createIndex()
        if not results:
            return np.where(_has_truth(truths, classes), 0.0, -1.0) * np.ones((10, 101, 1))
        if kind == "segm":  # or sizes would be those of the boxes
            results = [{k: v for k, v in row.items() if k != "bbox"} for row in results]
        evaluation = COCOeval(truth, truth.loadRes(results), kind)
        evaluation.params.maxDets = [MOST_BOXES]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval["precision"][:, :, :, 0, -1]


def mean_precision(precision: np.ndarray) -> np.ndarray:
    """Average precision of every class, (classes,); NaN for a class without truth.

    Args:
        precision: from `coco_precision`, at some of the overlaps: (overlaps, 101, classes).
    """
    means = precision.mean(axis=(0, 1))
    return np.where(means < 0, np.nan, means)


def coco_curves(precision: np.ndarray, names: tuple[str, ...]) -> list[Curve]:
    """Curves from COCO's precision at one overlap, (101, classes)."""
    recall = np.linspace(0, 1, len(precision))
    return [
        Curve(name, recall, of_class, float(of_class.mean()))
        if (of_class >= 0).all()
        else without_truth(name)
        for name, of_class in zip(names, precision.T, strict=True)
    ]


def mean_curves(precision: np.ndarray) -> list[Curve]:
    """Curves of the mean over the classes with truth: at IoU 0.5, at 0.75, and over all ten.

    Args:
        precision: from `coco_precision`.
    """
    known = precision[:, :, (precision >= 0).all(axis=(0, 1))]
    if not known.shape[-1]:
        return []
    means = known.mean(axis=-1)
    chosen = np.stack([means[0], means[5], means.mean(axis=0)], axis=1)
    return coco_curves(chosen, ("IoU 0.5", "IoU 0.75", "IoU 0.5 to 0.95"))


def _has_truth(truths: list[dict], classes: int) -> np.ndarray:
    labels = [truth["category_id"] - 1 for truth in truths if not truth["iscrowd"]]
    return np.bincount(labels, minlength=classes) > 0


def _record(index: int, instances: InstanceData, row: int) -> dict:
    left, top, right, bottom = instances.bboxes[row].tolist()
    record = {
        "image_id": index,
        "category_id": int(instances.labels[row]) + 1,
        "bbox": [left, top, right - left, bottom - top],
        "area": (right - left) * (bottom - top),
    }
    if "masks" in instances:
        mask = np.asfortranarray(instances.masks[row].numpy(), np.uint8)
        record["segmentation"] = pycocotools.mask.encode(mask)
    return record
