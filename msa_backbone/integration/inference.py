"""A trained mmdet, mmseg or mmpretrain model as a function from pictures to predictions."""

from collections.abc import Sequence

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.config import Config, ConfigDict
from mmengine.registry import TRANSFORMS, VISUALIZERS, init_default_scope
from mmengine.structures import BaseDataElement
from mmengine.visualization import Visualizer
from torch import nn

from ..backbones.checkpoint_files import read_checkpoint
from . import config_edits, runs

KINDS = {
    "PackDetInputs": "detection",
    "PackSegInputs": "segmentation",
    "PackInputs": "classification",
}


class Predictor:
    """Predicts on pictures as the test pipeline of a config does.

    Args:
        cfg: the config that the checkpoint was trained with; changed in place: its model gets the
            checkpoint's number of classes.
        checkpoint: a file.
        device: such as 'cpu' or 'cuda:0'.

    Attributes:
        kind: 'detection', 'segmentation' or 'classification'.
        classes: their names.
        model: in eval mode.

    Raises:
        ValueError: if the checkpoint does not belong to the config, or the config tests no images.
    """

    def __init__(self, cfg: Config, checkpoint: str, device: str = "cpu") -> None:
        init_default_scope(cfg.get("default_scope", "mmengine"))
        meta = read_checkpoint(checkpoint).get("meta", {}).get("dataset_meta") or {}
        if cfg.get("test_dataloader") is None:
            raise ValueError(f"config {cfg.filename} has no test_dataloader, so no test pipeline")
        dataset = config_edits.innermost(cfg.test_dataloader.dataset)
        self.classes = tuple(
            meta.get("classes") or (dataset.get("metainfo") or {}).get("classes") or ()
        )
        steps = [config_edits.type_name(step) for step in dataset.pipeline]
        self.kind = KINDS.get(steps[-1], "")
        if not self.kind:
            raise ValueError(
                f"config {cfg.filename}: its test pipeline ends in {steps[-1]}, not in one of "
                f"{', '.join(KINDS)}"
            )
        if self.classes:
            set_num_classes(cfg.model, len(self.classes))
        config_edits.drop_pretrained(cfg)
        config_edits.unsync_norms(cfg)
        cfg.load_from = checkpoint
        self.model = runs.rehearse(cfg, ())
        runs.check_checkpoint(self.model, checkpoint, None)
        load_weights(self.model, checkpoint)
        self.model.to(device).eval()
        if not self.classes:
            head = getattr(self.model, "bbox_head", None) or getattr(
                self.model, "decode_head", None
            )
            number = getattr(head, "num_classes", 0)
            self.classes = tuple(str(index) for index in range(number))
        self.palette = meta.get("palette") or config_edits.make_palette(max(1, len(self.classes)))
        # The picture is there already, and nobody knows the truth.
        pipeline = [
            step
            for step, name in zip(dataset.pipeline, steps, strict=True)
            if name not in ("LoadImageFromFile", "LoadAnnotations")
        ]
        self.pipeline = Compose([TRANSFORMS.build(dict(step)) for step in pipeline])

    @torch.no_grad()
    def __call__(
        self, pictures: Sequence[np.ndarray], names: Sequence[str]
    ) -> list[BaseDataElement]:
        """Predictions in the pictures' own pixels.

        Args:
            pictures: RGB, (H, W, 3) uint8, of any sizes.
            names: of each.
        """
        return self.model.test_step(self.inputs(pictures, names))

    def inputs(self, pictures: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, list]:
        """A batch as the test pipeline makes it, for the model's `data_preprocessor`."""
        inputs = []
        for picture, name in zip(pictures, names, strict=True):
            bgr = np.ascontiguousarray(picture[..., ::-1])
            size = {"img_shape": bgr.shape[:2], "ori_shape": bgr.shape[:2]}
            inputs.append(self.pipeline({"img": bgr, "img_path": name, "img_id": 0, **size}))
        return {key: [item[key] for item in inputs] for key in inputs[0]}

    def visualizer(self, cfg: Config) -> Visualizer:
        """The config's visualizer, with these classes and colours."""
        visualizer = VISUALIZERS.build(dict(cfg.visualizer, name="predictions", vis_backends=None))
        visualizer.dataset_meta = {"classes": self.classes, "palette": self.palette}
        return visualizer


def load_weights(model: nn.Module, checkpoint: str) -> None:
    """Load a checkpoint that `runs.check_checkpoint` has let pass."""
    content = read_checkpoint(checkpoint)
    tensors = content.get("state_dict", content)
    model.load_state_dict({name: tensors[name] for name in model.state_dict()})


def set_num_classes(model: ConfigDict, classes: int) -> None:
    """Give every part of a model so many classes; losses' class weights play no part any more."""

    def change(node: dict) -> None:
        if "num_classes" in node:
            if node.get("out_channels") == node["num_classes"]:
                node["out_channels"] = classes
            node["num_classes"] = classes
        if isinstance(node.get("class_weight"), list | tuple):
            node["class_weight"] = None

    config_edits.walk(model, change)
