"""An exported file in a checkpoint's place: evaluated by the same code, on the same pictures."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from torch import Tensor

from ..files.modality import Modality, split_stack
from .runtime.predictor import Picture, RuntimePredictor


class ExportedForRunner(BaseModel):
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
        """Predict on pictures, of any sizes, as the config's pipeline loads them.

        Args:
            inputs: BGR, (3, H, W) each; of several cameras (C, H, W), as `read_stack` stacks them.
            data_samples: one a picture; of questions each with a `question`.

        Returns:
            The samples, with predictions as their toolbox has them.
        """
        info = self.predictor.info
        for picture, sample in zip(inputs, data_samples, strict=True):
            questions = [sample.question] if info.vocabulary else ()
            found = self.predictor(_as_loaded(picture, info.modalities), questions)
            if info.vocabulary:
                found = {name: values[0] for name, values in found.items()}
                sample.pred_answer = info.classes[found["scores"].argmax()]
                sample.pred_score = torch.from_numpy(found["scores"])
            else:
                set_predictions(sample, found)
        return list(data_samples)


def _as_loaded(stack: Tensor, modalities: Sequence[Modality]) -> Picture:
    """What the predictor takes, from what a pipeline loads."""
    values = stack.permute(1, 2, 0).numpy()
    if not modalities:
        return values[..., ::-1]
    return split_stack(values, modalities)


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
        logits = tensors["logits"]
        if len(logits) == 1:  # mmseg keeps the probability of one channel
            logits = logits.sigmoid()
        sample.set_data({"seg_logits": PixelData(data=logits)})
    else:
        scores = tensors["scores"]
        sample.set_pred_score(scores).set_pred_label(scores.argmax(dim=0, keepdim=True))
