"""Cameras that fail: what is a trained model worth when one of them sends nothing, or black?

Each finished run of a model of several cameras is tested again, for every camera and both ways to
fail. Nothing is trained for it.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from ..config.load import load_config
from ..config.resume import newest_checkpoint
from ..config_nodes import find_nodes
from ..files.modality import modalities_of
from ..training.prepare import prepare_testing
from .outcomes import keep_outcomes
from .runs import Run, Settings, keep_result
from .scoring import plain_scores

ABSENT, BLACK = "absent", "black"


def failures_of(run: Run, settings: Settings) -> list[Run]:
    """The tests of a run in which a camera fails; none of a model that gets one camera."""
    cameras = _cameras(Config.fromfile(Path(settings.work_dir, run.variant, "config.py")))
    ways = (f"{camera} {way}" for camera in cameras for way in (ABSENT, BLACK))
    return [replace(run, failure=failure) for failure in ways]


def require_cameras(runs: Sequence[Run], settings: Settings) -> None:
    """Raise ValueError if no run has a camera that could fail."""
    if not any(failures_of(run, settings) for run in runs):
        raise ValueError(
            "--failures tests models of several cameras, and every variant here gets one: leave it "
            "out"
        )


def run_failure(run: Run, settings: Settings) -> None:
    """Test the last checkpoint of a finished run while a camera fails; write `result.json`."""
    folder, trained = run.folder(settings), replace(run, failure="").folder(settings)
    checkpoint = newest_checkpoint(str(trained))
    if checkpoint is None:
        raise ValueError(f"{trained}: its checkpoint is gone, and no other test can be made")
    cfg = load_config(str(Path(settings.work_dir, run.variant, "config.py")), str(folder), {})
    camera, _, way = run.failure.rpartition(" ")
    others = [name for name in _cameras(cfg) if name != camera]
    for line in prepare_testing(
        cfg,
        checkpoint,
        data=settings.data,
        classes=settings.classes,
        seed=run.seed,
        sensors=others if way == ABSENT else None,
        black=[camera] if way == BLACK else (),
        options=settings.options,
    ):
        print(line)  # into the log
    keep_outcomes(cfg, folder)
    runner = Runner.from_cfg(cfg)
    metrics = runner.test()  # which loads the checkpoint
    keep_result(folder, {"test": plain_scores(metrics, runner.test_loop.evaluator)}, runner)


def _cameras(cfg: Config) -> list[str]:
    """Those that a model gets, if there are several."""
    found = find_nodes(cfg.model, "MultiModalPreprocessor")
    if not found or found[0].get("only"):
        return []
    names = [modality.name for modality in modalities_of(found[0]["modalities"])]
    return names if len(names) > 1 else []
