"""The results of an ablation, from the folders of its runs."""

import json

import pytest
from data_folders import HEIGHT, WIDTH, coco
from mmengine.config import Config
from PIL import Image

from msa_backbone.ablation import results
from msa_backbone.ablation.results import backbone_costs, input_shape
from msa_backbone.ablation.runs import RESULT, Run, Settings
from msa_backbone.costs.backbones import BackboneCosts

from .toy_config import config


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


def test_subsets_of_what_no_run_kept_are_told(settings):
    runs = [finish(Run(name, 1.0, 0), settings, {"mIoU": 50.0}) for name in ("plain", "full")]
    assert "No intervals" not in results.write_results(runs, settings)
    text = results.write_results(runs, settings, subsets={"night": "*N.png"})
    assert "No intervals: --subsets compares what two variants got right" in text


def test_costs_are_measured_again_when_more_rounds_are_asked_for(tmp_path, monkeypatch):
    measured = []

    def compare(backbones, shape, rounds):
        measured.append(rounds)
        return {name: BackboneCosts(1, 2, 1.0, float(rounds)) for name in backbones}

    monkeypatch.setattr(results, "compare_backbones", compare)
    monkeypatch.setattr(results, "input_shape", lambda *_: (1, 3, 32, 32))
    settings = Settings(str(tmp_path))
    (tmp_path / "plain").mkdir()
    Config({"model": {"backbone": {"type": "torch.nn.ReLU"}}}).dump(tmp_path / "plain/config.py")
    costs = [backbone_costs(["plain"], settings, rounds) for rounds in (2, 1, 2, 100, 20)]
    assert measured == [2, 100]
    assert [cost["plain"] for cost in costs] == [
        BackboneCosts(1, 2, 1.0, float(rounds)) for rounds in (2, 2, 2, 100, 100)
    ]
    older = json.loads((tmp_path / "costs.json").read_text())
    del older["plain"]["rounds"]
    (tmp_path / "costs.json").write_text(json.dumps(older))
    backbone_costs(["plain"], settings, 20)
    assert measured == [2, 100, 20]


def test_the_measured_shape_is_that_of_the_image_that_the_options_choose(tmp_path):
    coco(tmp_path / "data")
    listed = tmp_path / "data/annotations/instances_val.json"
    content = json.loads(listed.read_text())
    content["images"][1].update(width=WIDTH + 8, height=HEIGHT + 16)
    listed.write_text(json.dumps(content))
    image = tmp_path / "data/images" / content["images"][1]["file_name"]
    Image.open(image).resize((WIDTH + 8, HEIGHT + 16)).save(image)
    for options, larger in (({}, 0), ({"test_dataloader.dataset.indices": [1]}, 8)):
        cfg = config()
        cfg.model = {"data_preprocessor": {"type": "DetDataPreprocessor"}}
        cfg.work_dir = str(tmp_path / "work")
        settings = Settings(str(tmp_path / "work"), str(tmp_path / "data"), options=options)
        shape = (1, 3, HEIGHT + 2 * larger, WIDTH + larger)
        assert input_shape(cfg, settings) == shape


def test_nothing_to_show_is_refused(settings):
    with pytest.raises(ValueError, match="no run has finished"):
        results.write_results([Run("plain", 1.0, 0)], settings)
    run = finish(Run("plain", 1.0, 0), settings, {"aAcc": 90.0})
    with pytest.raises(ValueError, match="no run has a score None: choose one of aAcc"):
        results.write_results([run], settings)
    run = finish(Run("plain", 1.0, 1), settings, {})
    with pytest.raises(ValueError, match="no run has a score: see"):
        results.write_results([run], settings)
