"""An exported file in a checkpoint's place: evaluated by the same code, on the same pictures."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from torch import Tensor

from .runtime.predictor import RuntimePredictor


@MODELS.register_module()
class ExportedModel(BaseModel):
    """Predicts with a file; it cannot be trained.

    It wants pictures as they were loaded, as the file resizes and normalises them itself.

    Args:
        file: from tools/export.py.
    """

    def __init__(self, file: str) -> None:
        super().__init__()
        self.predictor = RuntimePredictor(file, threads=torch.get_num_threads())

    def forward(
        self,
        inputs: Sequence[Tensor],
        data_samples: Sequence[BaseDataElement],
        mode: str = "predict",
    ) -> list[BaseDataElement]:
        """Predict on pictures, BGR, (3, H, W) uint8, of any sizes.

        Returns:
            The samples, with predictions as their toolbox has them.
        """
        for picture, sample in zip(inputs, data_samples, strict=True):
            rgb = picture.flip(0).permute(1, 2, 0).contiguous().numpy()
            set_predictions(sample, self.predictor(rgb))
        return list(data_samples)


def set_predictions(sample: BaseDataElement, found: Mapping[str, np.ndarray]) -> None:
    """Put what `RuntimePredictor` found into a sample of mmdet, mmseg or mmpretrain."""
    tensors = {name: torch.from_numpy(values) for name, values in found.items()}
    if "boxes" in tensors:
        from mmdet.models.utils.misc import samplelist_boxtype2tensor

        samplelist_boxtype2tensor([sample])  # the truth's boxes, as mmdet's preprocessor does
        instances = InstanceData(bboxes=tensors.pop("boxes"))
        for name, values in tensors.items():  # scores, labels, and masks where there are any
            instances[name] = values
        sample.pred_instances = instances
    elif "classes" in tensors:
        classes = tensors["classes"].long()[None]
        sample.set_data({"pred_sem_seg": PixelData(data=classes)})
        sample.set_data({"seg_logits": PixelData(data=tensors["logits"])})
    else:
        scores = tensors["scores"]
        sample.set_pred_score(scores).set_pred_label(scores.argmax(dim=0, keepdim=True))
