"""The heatmaps that show what a model's attention does and why it predicts what it predicts."""

from collections.abc import Sequence

from ...plots.heatmaps import Heatmap
from .explainer import Explainer


def response_maps(explainer: Explainer) -> list[list[Heatmap]]:
    """The maps of every attention module, a row each."""
    rows = []
    for position, responses in explainer.responses().items():
        shown = [(scale, x[0], "mean |response|", None) for scale, x in responses.scales.items()]
        if responses.spatial is not None:
            shown.append(("spatial weights", responses.spatial[0, 0], "weight", (0, 1)))
        shown.append(("what is added", responses.change[0], "|y - x|", None))
        rows.append(
            [
                Heatmap(f"position {position}, {what}", explainer.over_picture(x), label, limits)
                for what, x, label, limits in shown
            ]
        )
    return rows


def subject_maps(
    explainer: Explainer,
    method: str | None,
    stages: Sequence[int] | None,
    score_thr: float,
    most: int,
) -> list[Heatmap]:
    """A class activation map for each of the most certain predictions; options as Explainer's."""
    maps = []
    for subject in explainer.subjects(score_thr, most):
        values = explainer.activation_map(subject, method, stages)
        maps.append(Heatmap(subject.title, values, "activation", (0, 1), subject.box))
    return maps
