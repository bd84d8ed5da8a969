"""Which kinds of config get data."""

import pytest
from mmengine.config import Config

from msa_backbone.config import user_data


def test_a_config_of_no_toolbox_is_refused(tmp_path):
    steps = [{"type": "LoadImageFromFile"}, {"type": "PackRows"}]
    cfg = Config({"train_dataloader": {"dataset": {"pipeline": steps}}, "model": {}})
    before = cfg.to_dict()
    with pytest.raises(ValueError, match="none of PackDetInputs, PackSegInputs and PackInputs"):
        user_data.use_data(cfg, tmp_path)
    assert cfg.to_dict() == before
