"""What a model is for, and everything that the toolboxes do differently because of it."""

from enum import Enum

from mmengine.config import Config

from .config_nodes import LOADERS, pipeline_steps, type_name


class Task(Enum):
    """A task of computer vision that OpenMMLab's toolboxes train models for.

    Attributes:
        title: the task in words.
        toolbox: the package that serves it, which is also its configs' `default_scope`.
        pack_step: the last step of its pipelines, which packs an image and its truth.
        visualizer: draws its pictures with truth and predictions.
        headline_scores: names in the log of the scores over all classes, the most important first.
    """

    DETECTION = (
        *("detection", "mmdet", "PackDetInputs", "DetLocalVisualizer"),
        ("coco/bbox_mAP", "coco/bbox_mAP_50", "pascal_voc/mAP"),
    )
    INSTANCE_SEGMENTATION = (
        *("instance segmentation", "mmdet", "PackDetInputs", "DetLocalVisualizer"),
        ("coco/segm_mAP", "coco/bbox_mAP", "coco/bbox_mAP_50", "pascal_voc/mAP"),
    )
    SEMANTIC_SEGMENTATION = (
        *("semantic segmentation", "mmseg", "PackSegInputs", "SegLocalVisualizer"),
        ("mIoU", "mAcc"),
    )
    CLASSIFICATION = (
        *("classification", "mmpretrain", "PackInputs", "UniversalVisualizer"),
        ("accuracy/top1",),
    )
    QUESTIONS = (
        *("questions about images", "mmpretrain", "PackInputs", "UniversalVisualizer"),
        ("answers/exact", "VQA/acc"),
    )
    CAPTIONS = (
        *("captions", "mmpretrain", "PackInputs", "UniversalVisualizer"),
        ("captions/CIDEr", "captions/BLEU-4"),
    )

    def __init__(
        self,
        title: str,
        toolbox: str,
        pack_step: str,
        visualizer: str,
        headline_scores: tuple[str, ...],
    ) -> None:
        self.title = title
        self.toolbox = toolbox
        self.pack_step = pack_step
        self.visualizer = visualizer
        self.headline_scores = headline_scores

    @property
    def has_classes(self) -> bool:
        """Whether a model is for certain classes; with words it is for a vocabulary."""
        return self not in (Task.QUESTIONS, Task.CAPTIONS)

    @property
    def finds_objects(self) -> bool:
        """Whether predictions are objects with boxes, and masks in instance segmentation."""
        return self in (Task.DETECTION, Task.INSTANCE_SEGMENTATION)


def task_of(cfg: Config) -> Task:
    """The task of a config, by the pipeline of its training, validation or test images.

    The step that packs the images tells the toolbox. Detection and instance segmentation share
    theirs: it is the latter if the pipeline loads masks (`with_mask`). mmpretrain's tasks share
    theirs: it packs a `question` or a `gt_caption` for those that have one (`algorithm_keys`).

    Raises:
        ValueError: for a config of another toolbox.
    """
    for loader in LOADERS:
        steps = pipeline_steps(cfg, loader)
        names = {type_name(step) for step in steps}
        for task in Task:
            if task.pack_step in names:
                masked = task is Task.DETECTION and any(step.get("with_mask") for step in steps)
                if masked:
                    return Task.INSTANCE_SEGMENTATION
                packed = {key for step in steps for key in step.get("algorithm_keys", ())}
                told = {"question": Task.QUESTIONS, "gt_caption": Task.CAPTIONS}
                return next((told[key] for key in told if key in packed), task)
    raise ValueError(
        "the task is unknown: the config's pipelines have none of PackDetInputs, PackSegInputs and "
        "PackInputs, with which those of mmdet, mmseg and mmpretrain end"
    )
