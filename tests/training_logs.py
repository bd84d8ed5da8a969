"""The log of a training that never was."""

import json


def log(work_dir, run, epochs, loss):
    """Two training records and a validation an epoch, as LocalVisBackend writes them."""
    start = 2 * (epochs[0] - 1)
    lines = [{"start_iter": start, "step": start}]
    for epoch in epochs:
        for step in (2 * epoch - 1, 2 * epoch):
            lines.append({"loss": loss, "loss_cls": loss / 2, "epoch": epoch, "step": step})
        lines.append({"coco/bbox_mAP_50": loss / 10, "data_time": 0.1, "step": epoch})
    folder = work_dir / run / "vis_data"
    folder.mkdir(parents=True)
    (folder / "scalars.json").write_text("\n".join(map(json.dumps, lines)) + "\n")
