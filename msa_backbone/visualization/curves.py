"""What mmengine's LocalVisBackend logged in a work dir, and curves of it."""

import json
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

ATTENTION = "attention/"  # what AttentionRatioHook's names begin with
START = "start_iter"  # in a training's first record: the iteration it starts or goes on at
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


def read_records(work_dir: Path) -> tuple[list[dict], list[dict]]:
    """The training records and the validation records of the newest training in a work dir.

    A resumed training logs into a folder of its own, beginning with the iteration `START` that it
    was resumed at: what went before is read too, up to there.
    """
    records: list[dict] = []
    for path in sorted(work_dir.glob("*/vis_data/scalars.json")):
        new = _read_lines(path)
        if not new or START not in new[0]:  # no training of ours
            continue
        overtaken = (
            place
            for place, record in enumerate(records)
            if "loss" in record and record["step"] > new[0][START]
        )
        kept = next(overtaken, len(records)) if new[0][START] else 0
        records = [*records[:kept], *new[1:]]
    training = [record for record in records if "loss" in record]
    validation = [record for record in records if "loss" not in record]
    return training, validation


def _read_lines(path: Path) -> list[dict]:
    """The records of a log; its last line may be half written."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number < len(lines):
                raise ValueError(f"{path}: record {number} is no JSON ({error})") from error
    return records


def all_scores_of(record: Mapping[str, object]) -> dict[str, float]:
    """The scores of a validation, those per class last, without its times and its step."""
    others = (START, "step", "time", "data_time", "memory")
    names = [k for k, v in record.items() if isinstance(v, Real) and k not in others]
    return {name: record[name] for name in sorted(names, key=is_of_one_class)}


def scores_of(record: Mapping[str, object]) -> dict[str, float]:
    """The scores of a validation over all classes."""
    return {k: v for k, v in all_scores_of(record).items() if not is_of_one_class(k)}


def is_of_one_class(name: str) -> bool:
    """Whether a score with this name belongs to a single class."""
    of_label = name.startswith("single-label/") and name.count("/") > 1
    return of_label or name.endswith("_precision") or name.startswith(("IoU/", "Acc/"))


def plot_curves(training: Sequence[dict], validation: Sequence[dict], out_file: Path) -> None:
    """Draw losses against iterations, and scores against validations, as a PNG.

    What AttentionRatioHook logged gets a panel of its own.

    Args:
        training, validation: from `read_records`; at least one training record.
        out_file: the PNG.
    """
    steps = [record["step"] for record in training]
    scored = [name for name in SCORES if any(name in record for record in validation)]
    ratios = {key for record in training for key in record if key.startswith(ATTENTION)}
    panels = 1 + bool(scored) + bool(ratios)
    figure, axes = plt.subplots(
        1, panels, figsize=(5.5 * panels, 4), layout="constrained", squeeze=False
    )
    loss_axis, *axes = axes[0]
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
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
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
    plt.close(figure)
