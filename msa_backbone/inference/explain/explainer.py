"""Why a model says what it says about a picture: responses of its attention, activation maps."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor, nn

from ...plots.heatmaps import Heatmap
from ...tasks import Task
from ..predictor import Predictor
from .activation_maps import activation_map, stage_layers
from .attention_responses import ModalityResponses, Responses, attention_responses
from .subjects import Subject, class_subjects, object_subjects, segment_subjects


class Explainer:
    """Looks into a model on one picture.

    Args:
        predictor: the model and its test pipeline.
        picture: what `predictor.read` gives: RGB, (H, W, 3) uint8, or a stack of modalities.

    Attributes:
        views: what people see of the picture, RGB each, by modality.
        x: the model's input, (1, C, h, w): the picture as the pipeline resized and padded it.
        sample: the input's data sample, which knows how.
    """

    def __init__(self, predictor: Predictor, picture: np.ndarray) -> None:
        self.predictor = predictor
        self.views = predictor.views(picture)
        self.picture = next(iter(self.views.values()))
        batch = predictor.inputs([picture], ["picture"])
        data = predictor.model.data_preprocessor(batch, False)
        self.x: Tensor = data["inputs"] if "inputs" in data else data["images"]
        self.sample: BaseDataElement = data["data_samples"][0]
        self.model = ExplainedModel(predictor, self.sample)
        steps = predictor.pipeline.transforms
        self.cuts_or_pads = any(type(step).__name__ in ("CenterCrop", "Pad") for step in steps)

    def over_picture(self, values: Tensor | np.ndarray) -> np.ndarray:
        """A map over the padded input, (h, w), as one over the picture, (H, W).

        It is 0 where the pipeline has cut the picture's borders off (CenterCrop).
        """
        values = torch.as_tensor(values, dtype=torch.float32, device="cpu")[None, None]
        padded = F.interpolate(values, self.x.shape[-2:], mode="bilinear")
        whole = self.picture.shape[:2]
        scales = self._resized_by()
        sides = zip(self.sample.img_shape[:2], whole, scales, strict=True)
        height, width = (min(side, round(most * scale)) for side, most, scale in sides)
        seen = [
            min(round(side / scale), most)
            for side, scale, most in zip((height, width), scales, whole, strict=True)
        ]
        top, left = ((most - side) // 2 for most, side in zip(whole, seen, strict=True))
        values = F.interpolate(padded[..., :height, :width], seen, mode="bilinear")[0, 0]
        over = np.zeros(whole, np.float32)
        over[top : top + seen[0], left : left + seen[1]] = values.numpy()
        return over

    def _resized_by(self) -> tuple[float, float]:
        """What the pipeline multiplied the picture's height and width with."""
        if self.cuts_or_pads:  # then img_shape has the size after that
            across, down = self.sample.get("scale_factor", (1.0, 1.0))
            return down, across
        sizes = zip(self.sample.img_shape[:2], self.picture.shape[:2], strict=True)
        return tuple(side / whole for side, whole in sizes)

    def streams(self) -> list[list[str]]:
        """The names of the modalities in each stream of the backbone; neighbours may share one."""
        if not self.predictor.modalities:
            return [list(self.views)]
        model, streams = self.predictor.model, []
        used = getattr(model.data_preprocessor, "only", self.views)
        modalities = iter(m for m in self.predictor.modalities if m.name in used)
        for channels in model.backbone.in_channels:
            streams.append([])
            while channels > 0:
                modality = next(modalities)
                streams[-1].append(modality.name)
                channels -= modality.channels
        return streams

    def responses(self) -> dict[str, Responses]:
        """Of every attention module, by position; see `attention_responses`."""
        return attention_responses(self.predictor.model.backbone, self.x)

    def subjects(self, score_thr: float = 0.3, most: int = 5) -> list[Subject]:
        """At most so many boxes of the highest scores, largest predicted classes, or classes."""
        with torch.no_grad():
            output = self.model(self.x)[0]
        task, classes = self.predictor.task, self.predictor.classes
        if task.finds_objects:
            return object_subjects(output, classes, self.sample.scale_factor, score_thr, most)
        if task is Task.SEMANTIC_SEGMENTATION:
            return segment_subjects(output, classes, most)
        return class_subjects(output, classes, most)

    def activation_map(
        self, subject: Subject, method: str | None = None, stages: Sequence[int] | None = None
    ) -> np.ndarray:
        """Where the features are that speak for a subject, (H, W) in 0..1.

        Args:
            method: one of `methods.METHODS`. By default Grad-CAM, and for boxes HiResCAM
                (https://arxiv.org/abs/2011.08891): Grad-CAM averages gradients over the image, and
                so shows all objects of a box's class.
            stages: of the backbone, counted from 0; by default all that it returns, averaged.

        Raises:
            ValueError: for an unknown method or stage, or without the package `grad-cam`.
        """
        if method is None:
            method = "hires-cam" if self.predictor.task.finds_objects else "grad-cam"
        layers = stage_layers(self.predictor.model.backbone, stages)
        return self.over_picture(activation_map(self.model, layers, self.x, subject.score, method))

    def response_heatmaps(self) -> list[list[Heatmap]]:
        """What every attention module computes, a row each."""
        rows = []
        for position, seen in self.responses().items():
            if seen.modalities:
                rows.append(self._modality_heatmaps(position, seen.modalities))
                continue
            shown = [(scale, x[0], "mean |response|", None) for scale, x in seen.scales.items()]
            if seen.spatial is not None:
                shown.append(("spatial weights", seen.spatial[0, 0], "weight", (0, 1)))
            shown.append(("what is added", seen.change[0], "|y - x|", None))
            rows.append(
                [
                    Heatmap(f"position {position}, {what}", self.over_picture(x), label, limits)
                    for what, x, label, limits in shown
                ]
            )
        return rows

    def _modality_heatmaps(self, position: str, seen: Sequence[ModalityResponses]) -> list[Heatmap]:
        """Each stream's gate over its first modality's picture; what each adds, on one scale."""
        most = max(float(response.added.max()) for response in seen)
        shown = []
        streams = list(zip(self.streams(), seen, strict=True))
        for names, response in streams:
            if response.spatial is not None:
                shown.append((names, "spatial weights", response.spatial[0, 0], "weight", (0, 1)))
        for names, response in streams:
            shown.append((names, "what it adds", response.added[0], "|f ca sa|", (0, most)))
        return [
            Heatmap(
                f"position {position}, {' + '.join(names)}: {what}",
                *(self.over_picture(values), label, limits),
                over=names[0],
            )
            for names, what, values, label, limits in shown
        ]

    def subject_heatmaps(
        self, method: str | None, stages: Sequence[int] | None, score_thr: float, most: int
    ) -> list[Heatmap]:
        """The activation map of each of `subjects`, with its title and box."""
        return [
            Heatmap(s.title, self.activation_map(s, method, stages), "activation", (0, 1), s.box)
            for s in self.subjects(score_thr, most)
        ]


class ExplainedModel(nn.Module):
    """A toolbox's model as a differentiable function from its input to what subjects score.

    Args:
        sample: the data sample of the one image that it is called with.
    """

    def __init__(self, predictor: Predictor, sample: BaseDataElement) -> None:
        super().__init__()
        self.model, self.task, self.sample = predictor.model, predictor.task, sample

    def forward(self, x: Tensor) -> list[InstanceData] | Tensor:
        """(1, C, h, w) -> boxes in its pixels, or logits, (1, classes, h, w) or (1, classes)."""
        if self.task.finds_objects:
            (sample,) = self.model.predict(x, [self.sample.clone()], rescale=False)
            return [sample.pred_instances]
        if self.task is not Task.SEMANTIC_SEGMENTATION:
            return self.model(x)
        logits = self.model.encode_decode(x, [dict(self.sample.metainfo, pad_shape=x.shape[-2:])])
        if logits.shape[1] > 1:
            return logits
        # A binary head's one channel is the logit of the second class, which it predicts where the
        # sigmoid is above a threshold. The larger of these two logits says the same.
        second = logits - torch.logit(torch.tensor(self.model.decode_head.threshold))
        return torch.cat([-second, second], dim=1)
