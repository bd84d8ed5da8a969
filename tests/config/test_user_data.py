"""Which kinds of config get data."""

import pytest
from data_folders import voc
from mmengine.config import Config

from msa_backbone.config import user_data

from .toy_config import config


def test_a_config_of_no_toolbox_is_refused(tmp_path):
    steps = [{"type": "LoadImageFromFile"}, {"type": "PackRows"}]
    cfg = Config({"train_dataloader": {"dataset": {"pipeline": steps}}, "model": {}})
    before = cfg.to_dict()
    with pytest.raises(ValueError, match="none of PackDetInputs, PackSegInputs and PackInputs"):
        user_data.use_data(cfg, tmp_path)
    assert cfg.to_dict() == before


def test_a_work_dir_beside_the_only_folder_of_the_one_named_is_refused(tmp_path, monkeypatch):
    """The next training would find two folders there, and no data."""
    voc(tmp_path / "blood")
    monkeypatch.chdir(tmp_path)
    cfg = config()
    cfg.work_dir = "work_dirs/first"
    with pytest.raises(ValueError, match=f"work_dirs/first/data: lies inside the data {tmp_path};"):
        user_data.use_data(cfg, ".")
    assert user_data.use_data(cfg, "blood").data.root == tmp_path / "blood"
