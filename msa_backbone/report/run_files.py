"""The files that a training left in its work dir."""

from dataclasses import dataclass
from pathlib import Path

from ..config.resume import newest_checkpoint


@dataclass(frozen=True)
class RunFiles:
    """What is left of a training: its folder, its config and a checkpoint."""

    work_dir: Path
    config: Path
    checkpoint: Path


def find_run(
    work_dir: Path, config: Path | None = None, checkpoint: Path | None = None
) -> RunFiles:
    """The files of a training in its work dir.

    Args:
        work_dir: of the training.
        config: by default the one that training wrote there.
        checkpoint: by default the last one.

    Raises:
        ValueError: if there is no such folder, no config or several, or no checkpoint.
    """
    if not work_dir.is_dir():
        raise ValueError(f"{work_dir}: no such folder; give the work dir of a training")
    if config is None:
        found = sorted(work_dir.glob("*.py"))
        if not found:
            raise ValueError(
                f"{work_dir}: holds no config, as tools/train.py leaves one; give the work dir of "
                "a training, or the config with --config FILE"
            )
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise ValueError(f"{work_dir}: holds several configs ({names}); choose with --config")
        config = found[0]
    if checkpoint is None:
        if not (work_dir / "last_checkpoint").is_file():
            raise ValueError(
                f"{work_dir}: names no last_checkpoint, so nothing was saved yet; give a file with "
                "--checkpoint"
            )
        checkpoint = Path(newest_checkpoint(str(work_dir)))
    for path, option in ((config, "--config"), (checkpoint, "--checkpoint")):
        if not path.is_file():
            raise ValueError(f"{path}: no such file; give one with {option} FILE")
    return RunFiles(work_dir, config, checkpoint)
