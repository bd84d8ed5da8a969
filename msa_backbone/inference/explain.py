"""Why a model says what it says: responses of its attention, and class activation maps.

The maps are those of the package `grad-cam` (https://github.com/jacobgil/pytorch-grad-cam), taken
at the outputs of the backbone's stages; what is explained is the score of a box, of a class's
pixels, or of a class.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torchvision.ops import box_iou

from ..plots.heatmaps import Box
from .attention_responses import Responses, attention_responses
from .predictor import Predictor

METHODS = {
    "grad-cam": "GradCAM",
    "grad-cam++": "GradCAMPlusPlus",
    "eigen-cam": "EigenCAM",
    "eigen-grad-cam": "EigenGradCAM",
    "hires-cam": "HiResCAM",
    "layer-cam": "LayerCAM",
    "xgrad-cam": "XGradCAM",
}
"""Names of maps, and their classes in the package."""


@dataclass
class Subject:
    """What a map explains.

    Attributes:
        title: in words.
        score: from the model's output for the image to a scalar.
        box: of a detection, in the picture's pixels.
    """

    title: str
    score: Callable[[object], Tensor]
    box: Box | None = None


class Explainer:
    """Looks into a model on one picture.

    Args:
        predictor: the model and its test pipeline.
        picture: RGB, (H, W, 3) uint8.
    """

    def __init__(self, predictor: Predictor, picture: np.ndarray) -> None:
        self.predictor = predictor
        self.picture = picture
        batch = predictor.inputs([picture], ["picture"])
        data = predictor.model.data_preprocessor(batch, False)
        self.x: Tensor = data["inputs"]
        self.samples = data["data_samples"]

    def over_picture(self, values: Tensor | np.ndarray) -> np.ndarray:
        """A map over the padded input, (h, w), as one over the picture, (H, W)."""
        values = torch.as_tensor(values, dtype=torch.float32, device="cpu")[None, None]
        height, width = self.samples[0].img_shape[:2]
        padded = F.interpolate(values, self.x.shape[-2:], mode="bilinear")
        cut = padded[..., :height, :width]
        return F.interpolate(cut, self.picture.shape[:2], mode="bilinear")[0, 0].numpy()

    def responses(self) -> dict[str, Responses]:
        """Of every attention module, by position; see `attention_responses`."""
        return attention_responses(self.predictor.model.backbone, self.x)

    def subjects(self, score_thr: float = 0.3, most: int = 5) -> list[Subject]:
        """The predicted boxes of the highest scores, the largest predicted classes, or classes.

        Args:
            score_thr: lowest score of a box.
            most: so many of them.
        """
        with torch.no_grad():
            output = self._model()(self.x)[0]
        names = self.predictor.classes
        if self.predictor.kind == "detection":
            order = output.scores.argsort(descending=True)
            kept = [int(i) for i in order if output.scores[i] >= score_thr][:most]
            return [self._box_subject(output, index) for index in kept]
        if self.predictor.kind == "segmentation":
            labels = output.argmax(0)
            counts = torch.bincount(labels.flatten(), minlength=len(names))
            largest = [int(i) for i in counts.argsort(descending=True)[:most] if counts[i]]
            return [
                Subject(
                    f"{names[i]}, {100 * counts[i] / labels.numel():.0f} % of the pixels",
                    lambda logits, i=i, mask=labels == i: logits[i][mask].sum(),
                )
                for i in largest
            ]
        shares = output.softmax(0)
        best = [int(i) for i in shares.argsort(descending=True)[:most]]
        return [
            Subject(f"{names[i]}, {shares[i]:.2f}", lambda logits, i=i: logits[i]) for i in best
        ]

    def _box_subject(self, output: InstanceData, index: int) -> Subject:
        label, box = int(output.labels[index]), output.bboxes[index].detach()

        def score(found: InstanceData) -> Tensor:
            """The scores of this class's boxes, as far as they overlap with this one."""
            own = found.labels == label
            overlap = box_iou(found.bboxes[own].detach(), box[None])[:, 0]
            return (found.scores[own] * overlap * (overlap > 0.5)).sum()

        factors = torch.tensor(self.samples[0].scale_factor * 2).to(box)
        title = f"{self.predictor.classes[label]}, {float(output.scores[index]):.2f}"
        return Subject(title, score, tuple((box / factors).tolist()))

    def activation_map(
        self, subject: Subject, method: str | None = None, stages: Sequence[int] | None = None
    ) -> np.ndarray:
        """Where the features are that speak for a subject, (H, W) in 0..1.

        Args:
            subject: one of `subjects`.
            method: one of `METHODS`. By default Grad-CAM, and for boxes HiResCAM
                (https://arxiv.org/abs/2011.08891): Grad-CAM averages gradients over the image, and
                so shows all objects of a box's class.
            stages: of the backbone, counted from 0; by default all that it returns, averaged.

        Raises:
            ImportError: without the package `grad-cam`.
            ValueError: for an unknown method or stage.
        """
        if method is None:
            method = "hires-cam" if self.predictor.kind == "detection" else "grad-cam"
        if method not in METHODS:
            raise ValueError(f"method '{method}' is unknown: choose one of {', '.join(METHODS)}")
        try:
            package = importlib.import_module("pytorch_grad_cam")
        except ImportError as error:
            raise ImportError(
                f"class activation maps need: pip install grad-cam ({error})"
            ) from error
        layers = stage_layers(self.predictor.model.backbone, stages)
        with getattr(package, METHODS[method])(self._model(), layers) as cam:
            cam.compute_input_gradient = True  # frozen stages have gradients then, too
            values = cam(self.x, [subject.score])[0]
        self.predictor.model.zero_grad()
        return self.over_picture(values)

    def _model(self) -> nn.Module:
        return _Outputs(self.predictor, self.samples)


class _Outputs(nn.Module):
    """A model from its preprocessed input to what subjects are scored on."""

    def __init__(self, predictor: Predictor, samples: list) -> None:
        super().__init__()
        self.model, self.kind, self.samples = predictor.model, predictor.kind, samples

    def forward(self, x: Tensor) -> list[InstanceData] | Tensor:
        """(1, 3, h, w) -> boxes in its pixels, or logits, (1, classes, h, w) or (1, classes)."""
        if self.kind == "detection":
            samples = [sample.clone() for sample in self.samples]
            found = self.model.predict(x, samples, rescale=False)
            return [sample.pred_instances for sample in found]
        if self.kind == "segmentation":
            metas = [dict(sample.metainfo, pad_shape=x.shape[-2:]) for sample in self.samples]
            return self.model.encode_decode(x, metas)
        return self.model(x)


def stage_layers(backbone: nn.Module, stages: Sequence[int] | None = None) -> list[nn.Module]:
    """The layers, or attention modules, whose outputs are those of a MSAVGG's stages.

    Raises:
        ValueError: for another backbone, or a stage that it does not have.
    """
    if not hasattr(backbone, "_stage_layers"):
        raise ValueError("class activation maps are taken at the stages of a MSAVGG")
    chosen = backbone.out_indices if stages is None else stages
    layers = []
    for stage in chosen:
        if not 0 <= stage < len(backbone._stage_layers):
            raise ValueError(
                f"stage {stage} does not exist: choose from 0 to {len(backbone._stage_layers) - 1}"
            )
        last = backbone._stage_layers[stage][-1]
        name = backbone._attention_after.get(last)
        layers.append(backbone.features[last] if name is None else backbone.attentions[name])
    return layers
