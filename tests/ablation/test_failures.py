"""Which tests with a failing camera a run has, and how they are shown."""

import json
from dataclasses import replace

import pytest
from mmengine.config import Config

from msa_backbone.ablation import failures, results
from msa_backbone.ablation.failures import failures_of, require_cameras, run_failure
from msa_backbone.ablation.runs import RESULT, Run, Settings
from msa_backbone.costs.backbones import BackboneCosts

CAMERAS = [{"name": "visible", "channels": 3}, {"name": "infrared", "channels": 1}]


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(str(tmp_path))


def variant(settings: Settings, name: str, cameras: list[dict] = CAMERAS, **options) -> Run:
    """A variant's run, its config written."""
    preprocessor = {"type": "MultiModalPreprocessor", "modalities": cameras, **options}
    run = Run(name, 1.0, 3)
    run.folder(settings).mkdir(parents=True)
    Config({"model": {"data_preprocessor": preprocessor}}).dump(
        run.folder(settings).parents[1] / "config.py"
    )
    return run


def test_every_camera_fails_in_both_ways(settings, tmp_path):
    run = variant(settings, "sum")
    tests = failures_of(run, settings)
    assert [str(test) for test in tests] == [
        "sum, visible absent, seed 3",
        "sum, visible black, seed 3",
        "sum, infrared absent, seed 3",
        "sum, infrared black, seed 3",
    ]
    assert tests[2].folder(settings) == tmp_path / "sum/1/seed_3/infrared_absent"
    assert run.folder(settings) == tmp_path / "sum/1/seed_3" and str(run) == "sum, seed 3"


def test_a_model_of_one_camera_has_no_other_test(settings):
    assert failures_of(variant(settings, "alone", only=["visible"]), settings) == []
    assert failures_of(variant(settings, "one", cameras=CAMERAS[:1]), settings) == []


def test_cameras_fail_only_where_there_are_several(settings):
    runs = [variant(settings, "one", cameras=CAMERAS[:1])]
    with pytest.raises(ValueError, match=r"--failures .* every variant here gets one"):
        require_cameras(runs, settings)
    require_cameras([*runs, variant(settings, "sum")], settings)


def test_options_on_data_are_those_of_the_training(settings, monkeypatch):
    class Ready(Exception):
        pass

    def stop(*_, options, **__):
        raise Ready(options)

    monkeypatch.setattr(failures, "prepare_testing", stop)
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0")  # set for the process, then taken back
    settings = replace(settings, options={"test_dataloader.dataset.indices": 2})
    run = variant(settings, "sum")
    (run.folder(settings) / "last_checkpoint").write_text("epoch_1.pth")
    with pytest.raises(Ready) as ready:
        run_failure(failures_of(run, settings)[0], settings)
    assert ready.value.args[0] == settings.options


def test_a_run_whose_checkpoint_is_gone_says_so(settings):
    test = failures_of(variant(settings, "sum"), settings)[0]
    with pytest.raises(ValueError, match="seed_3: its checkpoint is gone"):
        run_failure(test, settings)


def test_rows_of_failures_come_behind_the_runs_and_have_no_costs(settings, monkeypatch):
    cost = BackboneCosts(1_000_000, 10**9, 1.0, 1.0)
    measured = []

    def backbone_costs(variants, *_):
        measured.extend(variants)
        return dict.fromkeys(variants, cost)

    monkeypatch.setattr(results, "backbone_costs", backbone_costs)
    runs = [variant(settings, "visible", only=["visible"]), variant(settings, "sum")]
    runs += failures_of(runs[1], settings)
    for run, score in zip(runs, (0.5, 0.6, 0.1, 0.1, 0.45, 0.4), strict=True):
        run.folder(settings).mkdir(exist_ok=True)
        scores = {"coco/bbox_mAP": score, "coco/bbox_mAP_50": score}
        (run.folder(settings) / RESULT).write_text(json.dumps({"test": scores}))
    lines = results.write_results(runs, settings).splitlines()
    assert measured == ["visible", "sum"]
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| visible",
        "| sum",
        *(f"| sum, {failure}" for failure in ("visible absent", "visible black")),
        *(f"| sum, {failure}" for failure in ("infrared absent", "infrared black")),
    ]
    assert "-0.0500 (0 of 1)" in lines[6] and lines[6].endswith("| - | - | - | - |")
