"""Which kinds of config get data, and that progress is shown for what takes long."""

import pytest
from mmengine.config import Config

from msa_backbone.integration import user_data


def test_a_config_of_no_toolbox_is_refused(tmp_path):
    steps = [{"type": "LoadImageFromFile"}, {"type": "PackRows"}]
    cfg = Config({"train_dataloader": {"dataset": {"pipeline": steps}}, "model": {}})
    before = cfg.to_dict()
    with pytest.raises(ValueError, match="none of PackDetInputs, PackSegInputs and PackInputs"):
        user_data.use_data(cfg, tmp_path)
    assert cfg.to_dict() == before


class Bar:
    """Counts what a progress bar is told."""

    made: list["Bar"]

    def __init__(self, total):
        self.total, self.done, self.updates = total, 0, 0
        Bar.made.append(self)

    def update(self, steps):
        self.done += steps
        self.updates += 1


@pytest.mark.parametrize(("total", "bars"), [(500, []), (501, [(501, 501)])])
def test_progress_is_shown_for_many_images(total, bars, monkeypatch):
    Bar.made = []
    monkeypatch.setattr(user_data, "ProgressBar", Bar)
    with user_data.show_progress() as progress:
        for done in range(1, total + 1):
            progress(done, total)
    assert [(bar.total, bar.done) for bar in Bar.made] == bars
    assert all(80 <= bar.updates <= 101 for bar in Bar.made)
