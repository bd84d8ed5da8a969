"""A work dir's config finds the files beside it where the work dir is now."""

from pathlib import Path

from mmengine.config import Config

from msa_backbone.config.load import load_config
from msa_backbone.config.moved_work_dir import follow_index

OLD = "/gone/work_dirs/run/data"


def config(folder: Path, images: Path) -> Config:
    """Boxes to train on, masks to validate, classes to test: what all tasks write."""
    folder.mkdir()
    boxes = {"ann_file": f"{OLD}/train.json", "data_prefix": {"img": "/gone/voc/data"}}
    masks = {
        "ann_file": f"{OLD}/val.txt",
        "data_prefix": {"img_path": str(images), "seg_map_path": f"{OLD}/masks-val-0123456789ab"},
    }
    Config(
        {
            "train_dataloader": {"dataset": {"type": "RepeatDataset", "dataset": boxes}},
            "val_dataloader": {"dataset": masks},
            "val_evaluator": [{"type": "VOCMetric"}, {"ann_file": f"{OLD}/val.json"}],
            "test_dataloader": {"dataset": {"data_root": "/gone", "ann_file": f"{OLD}/test.txt"}},
        }
    ).dump(folder / "run.py")
    return Config.fromfile(folder / "run.py")


def test_what_lies_beside_the_config_is_found(tmp_path):
    cfg = config(tmp_path / "moved", tmp_path)
    data = tmp_path / "moved/data"
    (data / "masks-val-0123456789ab").mkdir(parents=True)
    for name in ("train.json", "val.txt", "val.json"):
        (data / name).touch()
    (line,) = follow_index(cfg)
    assert line == f"The work dir has moved: 4 of its files on the data are read in {data}"
    train, val = cfg.train_dataloader.dataset.dataset, cfg.val_dataloader.dataset
    assert train.ann_file == str(data / "train.json")
    assert train.data_prefix.img == "/gone/voc/data"  # the user's
    assert val.ann_file == str(data / "val.txt")
    assert val.data_prefix.seg_map_path == str(data / "masks-val-0123456789ab")
    assert val.data_prefix.img_path == str(tmp_path)
    assert cfg.val_evaluator[1].ann_file == str(data / "val.json")
    assert cfg.test_dataloader.dataset.ann_file == f"{OLD}/test.txt"  # is not here
    assert follow_index(cfg) == []


def test_files_that_are_where_the_config_says_stay(tmp_path):
    work, copy = tmp_path / "work", tmp_path / "copy"
    for folder in (work, copy):
        (folder / "data").mkdir(parents=True)
        (folder / "data/val.json").touch()
    named = str(work / "data/val.json")
    Config({"val_dataloader": {"dataset": {"ann_file": named}}}).dump(copy / "run.py")
    cfg = Config.fromfile(copy / "run.py")
    assert follow_index(cfg) == []
    assert cfg.val_dataloader.dataset.ann_file == named


def test_a_training_s_config_stays_in_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0")  # set for the process, then taken back
    path = tmp_path / "moved/run.py"
    path.parent.mkdir()
    path.write_text("work_dir = '/gone/work_dirs/run'\n")

    def work_dir(given: str | None = None, default_folder: str = "") -> str:
        return load_config(str(path), given, {}, default_folder).work_dir

    assert work_dir() == "/gone/work_dirs/run"
    (tmp_path / "moved/last_checkpoint").touch()
    assert work_dir() == str(tmp_path / "moved")
    assert work_dir(default_folder="test") == str(tmp_path / "moved/test")
    assert work_dir(str(tmp_path / "new"), "test") == str(tmp_path / "new")
    path.write_text("x = 1\n")  # not left by a training: these name their work dir
    assert work_dir() == "work_dirs/run"


def test_a_config_without_a_file_has_nothing_beside_it():
    cfg = Config({"train_dataloader": {"dataset": {"ann_file": f"{OLD}/train.json"}}})
    assert follow_index(cfg) == []
    assert cfg.train_dataloader.dataset.ann_file == f"{OLD}/train.json"
