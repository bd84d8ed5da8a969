"""What mmengine's LocalVisBackend logged in a work dir."""

import json
from pathlib import Path

START = "start_iter"  # in a training's first record: the iteration it starts or goes on at


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
