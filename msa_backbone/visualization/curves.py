"""Training curves from the scalars that mmengine's LocalVisBackend logs."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

# The headline metric first; a curve per name that was logged.
SCORES = (
    "pascal_voc/mAP",
    "coco/bbox_mAP_50",
    "coco/bbox_mAP",
    "coco/segm_mAP",
    "mIoU",
    "mAcc",
    "accuracy/top1",
)


def read_scalars(path: Path) -> tuple[list[dict], list[dict]]:
    """The training records and the validation records of a `scalars.json` (a record a line)."""
    records = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    training = [record for record in records if "loss" in record]
    validation = [record for record in records if any(name in record for name in SCORES)]
    return training, validation


def plot_curves(scalars: Path, out_file: Path) -> bool:
    """Draw losses against iterations, and scores against validations, as a PNG.

    Returns:
        False, with nothing drawn, when no training record was logged.
    """
    training, validation = read_scalars(scalars)
    if not training:
        return False
    steps = [record["step"] for record in training]
    panels = 2 if validation else 1
    figure, axes = plt.subplots(1, panels, figsize=(5.5 * panels, 4), layout="constrained")
    loss_axis, *score_axes = [axes] if panels == 1 else axes
    for name in sorted({key for record in training for key in record if "loss" in key}):
        width = 2.2 if name == "loss" else 1.2
        label = "total" if name == "loss" else name.removeprefix("loss_")
        values = [record.get(name) for record in training]
        loss_axis.plot(steps, values, label=label, linewidth=width)
    loss_axis.set(title="Training loss", xlabel="iteration", ylabel="loss")
    loss_axis.set_ylim(bottom=0)
    loss_axis.legend()
    for axis in score_axes:
        for name in SCORES:
            points = [(r["step"], r[name]) for r in validation if name in r]
            if points:
                axis.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
        epochs = "epoch" in training[0]
        axis.set(title="Validation", xlabel="epoch" if epochs else "iteration", ylabel="score")
        axis.set_ylim(bottom=0)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.legend()
    for axis in [loss_axis, *score_axes]:
        axis.grid(alpha=0.3)
    figure.savefig(out_file, dpi=120)
    plt.close(figure)
    return True
