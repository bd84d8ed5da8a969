"""The results of an ablation, from the folders of its runs."""

import json

import pytest

from msa_backbone.ablation import results
from msa_backbone.ablation.runs import RESULT, Run, Settings
from msa_backbone.costs.backbones import BackboneCosts


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    """Without backbones to measure."""
    costs = BackboneCosts(1_000_000, 10**9, 1.0, 1.0)
    monkeypatch.setattr(
        results, "backbone_costs", lambda variants, *_: dict.fromkeys(variants, costs)
    )
    return Settings(str(tmp_path))


def finish(run: Run, settings: Settings, scores: dict[str, float]) -> Run:
    run.folder(settings).mkdir(parents=True)
    (run.folder(settings) / RESULT).write_text(json.dumps({"test": scores, "seconds": 1.0}))
    return run


def test_what_has_finished_is_shown_though_other_runs_failed(settings, tmp_path):
    done = [("plain", 1.0), ("plain", 0.5), ("full", 0.5)]
    runs = [finish(Run(*part, 0), settings, {"mIoU": 50.0, "aAcc": 90.0}) for part in done]
    text = results.write_results([*runs, Run("full", 1.0, 0)], settings)
    whole, half = text.split("50% of the training images")
    assert "| plain | 1 | 50.00 |" in whole and "| full |" not in whole
    assert "| full | 1 | 50.00 | +0.00 (0 of 1) |" in half
    assert (tmp_path / "results.md").read_text() == text + "\n"
    assert (tmp_path / "results.csv").read_text().count("\n") == 4
    assert (tmp_path / "costs.png").is_file() and (tmp_path / "fractions.png").is_file()


def test_the_first_variant_is_what_others_are_compared_with_whatever_finished_first(settings):
    runs = [Run(name, 1.0, seed) for seed in (0, 1) for name in ("plain", "full")]
    for run in runs[1:]:  # plain of seed 0 failed
        finish(run, settings, {"mIoU": 50.0 + run.seed + (run.name == "full")})
    assert list(results.finished(runs, settings)[1.0]) == ["plain", "full"]
    text = results.write_results(runs, settings)
    assert "difference to plain" in text and "| plain | 1 | 51.00 | - |" in text
    assert "| +1.00 (1 of 1) |" in text


def test_nothing_to_show_is_refused(settings):
    with pytest.raises(ValueError, match="no run has finished"):
        results.write_results([Run("plain", 1.0, 0)], settings)
    run = finish(Run("plain", 1.0, 0), settings, {"aAcc": 90.0})
    with pytest.raises(ValueError, match="no run has a score None: choose one of aAcc"):
        results.write_results([run], settings)
    run = finish(Run("plain", 1.0, 1), settings, {})
    with pytest.raises(ValueError, match="no run has a score: see"):
        results.write_results([run], settings)
