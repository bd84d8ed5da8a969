"""Where attention looks for each of several questions about one picture."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...plots.heatmaps import Heatmap
from ..predictor import Predictor
from .forward_hooks import forward_hooks
from .word_changes import listening


def listening_gates(predictor: Predictor) -> dict[str, nn.Module]:
    """The attention modules that have a spatial gate which listens to words, by position."""
    return {
        name: module
        for name, module in listening(predictor).items()
        if getattr(module, "spatial_attention", None) is not None
    }


@torch.no_grad()
def question_gates(predictor: Predictor, picture: np.ndarray) -> tuple[list[str], dict]:
    """The spatial gates of every attention module that listens.

    Args:
        predictor: with the questions.
        picture: RGB, (H, W, 3) uint8.

    Returns:
        The answers, and by position of the module gates in 0..1, (1 + questions, h, w): without
        words first. A gate without words is that of a picture that no module was told about.

    Raises:
        ValueError: for a model without such gates.
    """
    listeners = listening_gates(predictor)
    if not listeners:
        raise ValueError(
            "no attention of the model has a spatial gate that listens to words: it needs "
            "LanguageConditionedAttention with spatial=True"
        )
    model, gates = predictor.model, {name: [] for name in listeners}
    data = model.data_preprocessor(predictor.inputs([picture], ["picture"]), False)

    def look(name: str, module: nn.Module, inputs: tuple, options: dict, y: Tensor) -> None:
        x, sentence = (*inputs, None)[:2]
        if sentence is None:
            seen = module.spatial_weights(x)
        else:
            seen = module.spatial_weights_given(module.modulated(x, sentence), sentence)
        gates[name].append(seen[:, 0].float())

    with forward_hooks(listeners, look):
        model.backbone(data["images"][:1])
        samples = model(data["images"], data["data_samples"], mode="predict")
    answers = [sample.pred_answer for sample in samples]
    return answers, {name: torch.cat(seen).cpu() for name, seen in gates.items()}


def over(picture: np.ndarray, gate: Tensor) -> np.ndarray:
    """A gate, (h, w), at the size of the picture, (H, W, 3): (H, W)."""
    return F.interpolate(gate[None, None], picture.shape[:2], mode="bilinear")[0, 0].numpy()


def question_heatmaps(predictor: Predictor, picture: np.ndarray) -> list[list[Heatmap]]:
    """The gates over the picture: a row for each module, of it without words and each question.

    A row has one scale of colours: what matters is how gates differ.
    """
    answers, gates = question_gates(predictor, picture)
    asked = zip(predictor.questions, answers, strict=True)
    titles = ["without words", *(f"{question} {answer}" for question, answer in asked)]
    rows = []
    for position, seen in gates.items():
        limits = float(seen.min()), float(seen.max())
        row = [
            Heatmap(f"{title}\nposition {position}", over(picture, gate), "weight", limits)
            for title, gate in zip(titles, seen, strict=True)
        ]
        rows.append(row)
    return rows
