"""The runs of an ablation, and which images they train on and are scored on."""

import copy
from itertools import pairwise
from pathlib import Path

import pytest
from data_folders import coco

pytest.importorskip("mmdet")
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS
from mmengine.runner import Runner

from msa_backbone.ablation.runs import Run, Settings, list_runs, run_once, use_fraction
from msa_backbone.ablation.scoring import train_as_test

from .toy_config import config


@pytest.fixture
def cfg() -> Config:
    @DATASETS.register_module(name="Ten", force=True)
    class Ten(BaseDataset):
        def __init__(self, questions: int = 1, **options) -> None:
            self.questions = questions
            super().__init__(**options)

        def load_data_list(self) -> list[dict]:
            return [{"img_path": f"{n // self.questions}.png"} for n in range(10)]

    train = {"type": "Ten", "ann_file": "a/train.json", "data_root": "R", "indices": None}
    test = {"type": "Ten", "ann_file": "a/test.json", "pipeline": ["test"], "data_root": ""}
    evaluator = [{"type": "Metric", "ann_file": "a/test.json"}, {"type": "Other"}]
    return Config(
        {
            "train_dataloader": {"dataset": {"type": "Repeat", "dataset": {**train}}},
            "test_dataloader": {"dataset": test},
            "test_evaluator": evaluator,
        }
    )


def drawn(cfg: Config, fraction: float, seed: int) -> set[int]:
    cfg = copy.deepcopy(cfg)
    use_fraction(cfg, fraction, seed)
    return set(cfg.train_dataloader.dataset.dataset.indices)


def test_smaller_parts_lie_in_larger_ones_and_seeds_differ(cfg):
    parts = [drawn(cfg, fraction, 0) for fraction in (0.01, 0.25, 0.5, 0.9)]
    assert [len(part) for part in parts] == [1, 2, 5, 9]
    assert all(small < large for small, large in pairwise(parts))
    assert parts[2] <= set(range(10))
    assert len({tuple(sorted(drawn(cfg, 0.5, seed))) for seed in range(5)}) > 1
    assert drawn(cfg, 0.5, 0) == parts[2]


def test_a_part_has_all_questions_about_its_images(cfg):
    cfg.train_dataloader.dataset.dataset.questions = 5
    first, second = drawn(cfg, 0.5, 0), set(range(10)) - drawn(cfg, 0.5, 0)
    assert {frozenset(first), frozenset(second)} == {frozenset(range(5)), frozenset(range(5, 10))}


def test_images_without_a_file_of_their_own_are_drawn_one_by_one(cfg, monkeypatch):
    monkeypatch.setattr(DATASETS.get("Ten"), "get_data_info", lambda self, number: {"img": number})
    assert len(drawn(cfg, 0.5, 0)) == 5


@pytest.mark.parametrize("chosen", [[9, 6, 7, 2], -4, 4, -20, 20, None])
def test_a_part_is_one_of_the_images_that_the_config_chose(chosen, cfg):
    node = cfg.train_dataloader.dataset.dataset
    node.indices = chosen

    def images() -> set[str]:
        dataset = DATASETS.build(node)
        return {dataset.get_data_info(n)["img_path"] for n in range(len(dataset))}

    before = images()
    use_fraction(cfg, 0.5, 0)
    assert images() < before and len(images()) == len(before) / 2


def test_options_on_data_are_applied_behind_them(tmp_path, monkeypatch):
    class Ready(Exception):
        pass

    def stop(cfg: Config) -> None:
        raise Ready(cfg)

    monkeypatch.setattr(Runner, "from_cfg", stop)
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0")  # set for the process, then taken back
    coco(tmp_path / "data")
    file = tmp_path / "work/plain/config.py"
    file.parent.mkdir(parents=True)
    config().dump(file)
    options = {"train_dataloader.dataset.indices": [4, 5], "test_evaluator.0.classwise": False}
    settings = Settings(str(tmp_path / "work"), str(tmp_path / "data"), options=options)
    with pytest.raises(Ready) as ready:
        run_once(Run("plain", 1.0, 0), settings)
    cfg = ready.value.args[0]
    assert cfg.train_dataloader.dataset.indices == [4, 5]
    assert not cfg.test_evaluator[0].classwise and cfg.val_evaluator[0].classwise
    assert cfg.randomness.seed == 0
    with pytest.raises(Ready) as ready:
        run_once(Run("plain", 0.5, 0), settings)
    assert ready.value.args[0].train_dataloader.dataset.indices in ([4], [5])


def test_scoring_the_training_images_keeps_the_test_pipeline(cfg):
    use_fraction(cfg, 0.5, 0)
    loader, evaluator = train_as_test(cfg)
    source = cfg.train_dataloader.dataset.dataset
    assert loader.dataset.pipeline == ["test"]
    assert loader.dataset.indices == source.indices
    assert (loader.dataset.ann_file, loader.dataset.data_root) == ("a/train.json", "R")
    assert evaluator[0].ann_file == "R/a/train.json" and evaluator[1] == {"type": "Other"}
    assert cfg.test_dataloader.dataset.ann_file == "a/test.json"  # the test's own stays


def test_runs_of_a_seed_come_together():
    runs = list_runs(["plain", "full"], [0.5, 1.0], [7, 8])
    assert len(runs) == 8 and {run.seed for run in runs[:4]} == {7}
    folder = Run("full", 0.5, 7).folder(Settings("W"))
    assert folder == Path("W/full/0.5/seed_7")
    assert str(Run("full", 0.25, 7)) == "full on 25% of the data, seed 7"
    assert str(Run("full", 0.005, 7)) == "full on 0.5% of the data, seed 7"
    for fractions in ([0.0], [1.5], [-1]):
        with pytest.raises(ValueError, match=r"fraction .* of the training images"):
            list_runs(["a"], fractions, [0])
    with pytest.raises(ValueError, match="seeds 1 1: one comes twice"):
        list_runs(["a"], [1], [1, 1])
