"""What an ablation does to configs and data, one thing at a time."""

from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("mmdet")
from mmengine.config import Config
from mmengine.registry import DATASETS

from msa_backbone.ablation.runs import (
    Run,
    Settings,
    derive_config,
    list_runs,
    name_variants,
    train_as_test,
    use_fraction,
    write_variants,
)


@pytest.fixture
def cfg() -> Config:
    @DATASETS.register_module(name="Ten", force=True)
    class Ten:
        def __init__(self, **options) -> None:
            self.options = options

        def __len__(self) -> int:
            return 10

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
    use_fraction(cfg, fraction, seed)
    return set(cfg.train_dataloader.dataset.dataset.indices)


def test_smaller_parts_lie_in_larger_ones_and_seeds_differ(cfg):
    parts = [drawn(cfg, fraction, 0) for fraction in (0.01, 0.25, 0.5, 0.9)]
    assert [len(part) for part in parts] == [1, 2, 5, 9]
    assert all(small < large for small, large in pairwise(parts))
    assert parts[2] <= set(range(10))
    assert len({tuple(sorted(drawn(cfg, 0.5, seed))) for seed in range(5)}) > 1
    assert drawn(cfg, 0.5, 0) == parts[2]


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
    for fractions in ([0.0], [1.5], [-1]):
        with pytest.raises(ValueError, match=r"fraction .* of the training images"):
            list_runs(["a"], fractions, [0])
    with pytest.raises(ValueError, match="seeds 1 1: one comes twice"):
        list_runs(["a"], [1], [1, 1])


def test_variants_of_one_name_are_refused():
    assert name_variants([Path("a/x.py"), Path("a/y.py")]) == {
        "x": Path("a/x.py"),
        "y": Path("a/y.py"),
    }
    with pytest.raises(ValueError, match=r"a/x.py and b/x.py have the same name"):
        name_variants([Path("a/x.py"), Path("b/x.py")])


def test_a_derived_config_is_the_variant_on_another_base(tmp_path):
    (tmp_path / "base.py").write_text("a = dict(x=1, y=dict(z=2))\nb = 3\n")
    (tmp_path / "other.py").write_text("a = dict(x=5, y=dict(z=6))\nc = 7\n")
    variant = tmp_path / "variant.py"
    variant.write_text("# why\n_base_ = 'base.py'\na = dict(\n    y=dict(z=9))\n")
    text = derive_config(variant, tmp_path / "other.py")
    cfg = Config.fromstring(text, ".py")
    assert (cfg.a, cfg.c) == ({"x": 5, "y": {"z": 9}}, 7) and "b" not in cfg
    variant.write_text("a = 1\n")
    with pytest.raises(ValueError, match=r"variant.py has no _base_"):
        derive_config(variant, tmp_path / "other.py")
    variant.write_text("a = (\n")
    with pytest.raises(ValueError, match=r"variant.py cannot be read"):
        derive_config(variant, tmp_path / "other.py")
    with pytest.raises(ValueError, match=r"gone.py cannot be read"):
        derive_config(tmp_path / "gone.py", tmp_path / "other.py")


def test_a_variant_that_cannot_be_built_is_named_and_nothing_is_written(tmp_path):
    base = Path(__file__).parents[2] / "configs/detection/faster-rcnn_msa-vgg16_fpn_demo.py"
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(f"_base_ = {str(base)!r}\n")
    bad.write_text(f"_base_ = {str(base)!r}\nmodel = dict(backbone=dict(depth=17))\n")
    settings = Settings(str(tmp_path / "work"))
    with pytest.raises(ValueError, match=r"variant bad: .*depth=17"):
        write_variants({"good": good, "bad": bad}, None, settings, {})
    assert not (tmp_path / "work").exists()
