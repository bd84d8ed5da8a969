"""The ablation from the command line: runs, results, going on after a stop, and refusals."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mmdet")

from msa_backbone.ablation.outcomes import read_outcomes

ABLATION = Path(__file__).parents[2] / "configs/ablation"


@pytest.fixture
def base(tiny_config, tmp_path) -> Path:
    path = tmp_path / "base.py"
    path.write_text(
        f"_base_ = {str(tiny_config)!r}\n"
        "model = dict(backbone=dict(base_channels=16), neck=dict(in_channels=[32, 64, 128, 128]))\n"
    )
    return path


def options(base: Path, demo: Path, work: Path) -> list:
    variants = [ABLATION / f"{name}.py" for name in ("plain", "multi-scale")]
    return [
        *("ablation", *variants, "--base", base, "--data", demo / "voc", "--work-dir", work),
        *("--threads", 1, "--rounds", 2, "--fractions", 0.5, 1, "--train-scores"),
    ]


@pytest.mark.slow
def test_an_ablation_runs_goes_on_and_refuses_other_settings(
    run_tool, base, demo, tmp_path, capfd, monkeypatch
):
    work = tmp_path / "work"
    command = [*options(base, demo, work), "--seeds", 0]
    run_tool(*command, "--jobs", 2)
    shown = capfd.readouterr().out
    assert "4 to do, 2 at a time" in shown and "[4/4]" in shown
    assert "Data from" in shown.partition("to do")[0]
    rows = list(csv.DictReader((work / "results.csv").open()))
    assert {(row["variant"], row["fraction"], row["seed"]) for row in rows} == {
        (variant, fraction, "0")
        for variant in ("plain", "multi-scale")
        for fraction in ("0.5", "1.0")
    }
    table = (work / "results.md").read_text()
    assert table in shown and "difference to plain" in table and "train - test" in table
    costs = json.loads((work / "costs.json").read_text())
    assert costs["plain"]["latency"] == costs["plain"]["saved"] == 1
    assert costs["multi-scale"]["flops"] > costs["plain"]["flops"]
    assert re.search(
        r"\| multi-scale \| all \| box AP50 \| 1 \| [-+][\d.]+ \[[-+][\d.]+, [-+]", table
    )
    outcomes = read_outcomes(work / "plain/1/seed_0")
    measured = json.loads((work / "plain/1/seed_0/result.json").read_text())["test"]
    everything = outcomes.scores(np.ones(len(outcomes.images), int))["box AP50"]
    assert everything == pytest.approx(100 * measured["coco/bbox_mAP_50"], abs=0.06)  # rounded
    for name in ("costs.png", "fractions.png"):
        assert (work / name).stat().st_size > 10_000
    half, whole = (work / "plain" / part / "seed_0/log.txt" for part in ("0.5", "1"))
    assert "[2][2/2]" in half.read_text() and "[2][3/3]" in whole.read_text()

    # A run whose result is missing goes on from its checkpoint; the others are kept.
    result = work / "plain/1/seed_0/result.json"
    before = json.loads(result.read_text())
    result.unlink()
    run_tool(*command)
    shown = capfd.readouterr().out
    assert "1 to do, 1 at a time" in shown and "[1/1] plain, seed 0: done" in shown
    assert "resumed epoch: 2" in whole.read_text()
    assert json.loads(result.read_text())["test"] == before["test"]

    with pytest.raises(
        SystemExit, match=r"error: .*config.py is of an ablation with other settings"
    ):
        run_tool(*command, "--cfg-options", "train_cfg.max_epochs=3")
    with pytest.raises(SystemExit, match=r"error: .*settings.json is of an ablation with other"):
        run_tool(*[part for part in command if part != "--train-scores"])
    with pytest.raises(SystemExit, match=r"error: no run has a score 'mAP'"):
        run_tool(*command, "--metric", "mAP")


@pytest.mark.slow
def test_failed_runs_are_named_and_the_others_go_on(run_tool, base, demo, tmp_path, capfd):
    bad = tmp_path / "bad.py"
    bad.write_text(
        f"_base_ = {str(base)!r}\n"
        "steps = [dict(type='Missing'), dict(type='PackDetInputs')]\n"
        "train_dataloader = dict(dataset=dict(pipeline=steps))\n"
    )
    good = tmp_path / "good.py"
    good.write_text(f"_base_ = {str(base)!r}\ntrain_cfg = dict(max_epochs=1)\n")
    work = tmp_path / "work"
    with pytest.raises(SystemExit, match=r"error: 1 of 2 runs failed: bad, seed 0"):
        run_tool(
            *("ablation", bad, good, "--seeds", 0, "--work-dir", work, "--rounds", 0),
            *("--data", demo / "coco", "--threads", 1),
        )
    shown = capfd.readouterr().out
    assert "bad, seed 0: FAILED (" in shown and "log.txt" in shown
    assert "| good | 1 |" in (work / "results.md").read_text()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (["--jobs", 0], "--jobs 0: give 1 or more"),
        (["--threads", 0], "--threads 0: give 1 or more"),
        (["--fractions", 2], "fraction 2.0 of the training images"),
        (["--seeds", 1, 1], "seeds 1 1: one comes twice"),
        (["--base", "gone.py"], "gone.py"),
        (["--data", "gone"], "gone"),
        (["--weights", "gone.pth"], "gone.pth"),
        (["--classes", "one"], "has no class 'one'"),
    ],
)
def test_bad_options_end_in_one_line(run_tool, base, demo, tmp_path, change, expected):
    work = tmp_path / "work"
    with pytest.raises(SystemExit, match=f"error: .*{expected}"):
        run_tool(*options(base, demo, work), *change)
    assert not work.exists()


def test_failures_of_one_camera_are_refused_before_a_run(run_tool, base, demo, tmp_path):
    work = tmp_path / "work"
    with pytest.raises(SystemExit, match=r"error: --failures .* every variant here gets one"):
        run_tool(*options(base, demo, work), "--failures")
    assert not list(work.rglob("log.txt"))
