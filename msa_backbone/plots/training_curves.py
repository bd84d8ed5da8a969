"""Curves of a training's losses and scores."""

from collections.abc import Sequence
from pathlib import Path

from ..scores import HEADLINES
from .figure import new_figure

ATTENTION = "attention/"  # what AttentionRatioHook's names begin with


def plot_curves(training: Sequence[dict], validation: Sequence[dict], out_file: Path) -> None:
    """Draw losses over iterations, and scores over epochs or iterations, as a PNG.

    A third panel shows what AttentionRatioHook has logged, if it was there.

    Args:
        training, validation: from `read_records`; at least one training record.
        out_file: the PNG.
    """
    steps = [record["step"] for record in training]
    scored = [name for name in HEADLINES if any(name in record for record in validation)]
    ratios = {key for record in training for key in record if key.startswith(ATTENTION)}
    panels = 1 + bool(scored) + bool(ratios)
    figure = new_figure(5.5 * panels, 4)
    loss_axis, *axes = figure.subplots(1, panels, squeeze=False)[0]
    for name in sorted({key for record in training for key in record if "loss" in key}):
        width = 2.2 if name == "loss" else 1.2
        label = "total" if name == "loss" else name.removeprefix("loss_")
        values = [record.get(name) for record in training]
        loss_axis.plot(steps, values, label=label, linewidth=width)
    loss_axis.set(title="Training loss", xlabel="iteration", ylabel="loss")
    loss_axis.set_ylim(bottom=0)
    loss_axis.legend()
    if scored:
        axis = axes[0]
        for name in scored:
            points = [(r["step"], r[name]) for r in validation if name in r]
            axis.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
        epochs = "epoch" in training[0]
        axis.set(title="Validation", xlabel="epoch" if epochs else "iteration", ylabel="score")
        axis.set_xlim(left=0)
        axis.set_ylim(bottom=0)
        axis.locator_params(axis="x", integer=True)
        axis.legend()
    if ratios:
        axis = axes[-1]
        for name in sorted(ratios, key=lambda name: (len(name), name)):  # 4, 9, 16, ...
            points = [(r["step"], r[name]) for r in training if name in r]
            axis.plot(*zip(*points, strict=True), label=name.removeprefix(ATTENTION))
        axis.set(title="Attention: |f·ca·sa| / |x|", xlabel="iteration", ylabel="ratio")
        axis.set_ylim(bottom=0)
        axis.legend(title="position")
    for axis in [loss_axis, *axes]:
        axis.grid(alpha=0.3)
    figure.savefig(out_file, dpi=120)
