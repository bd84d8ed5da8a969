"""What a dry run says of the training's length, against mmengine's own loops."""

from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch.utils.data import DataLoader

from msa_backbone.training.dry_run import _schedule

BATCHES = 3


@pytest.mark.parametrize(
    "training",
    [
        {"max_epochs": 12, "val_begin": 10, "val_interval": 1},
        {"max_epochs": 12, "val_begin": 13},
        {"max_epochs": 12, "val_begin": 12, "val_interval": 20},
        {"max_epochs": 7, "val_begin": 4, "val_interval": 3},
        {"max_epochs": 6, "val_interval": 3},
        {"max_iters": 50, "val_begin": 25, "val_interval": 12},
        {"max_iters": 48, "val_begin": 24, "val_interval": 12},
        {"max_iters": 50},
    ],
)
def test_validations_are_those_that_mmengine_makes(training):
    loop_type = EpochBasedTrainLoop if "max_epochs" in training else IterBasedTrainLoop
    validated, trained = [], []
    runner = SimpleNamespace(
        call_hook=lambda *_, **__: None,
        model=SimpleNamespace(train=lambda: None, train_step=lambda *_, **__: trained.append(1)),
        optim_wrapper=None,
        val_loop=SimpleNamespace(run=lambda: validated.append(1)),
        visualizer=SimpleNamespace(),
    )
    data = type("Data", (list,), {"metainfo": {}})(range(BATCHES))
    # An endless list of numbers, as an InfiniteSampler gives, spares the loop's pause between two.
    endless = data * 50 if loop_type is IterBasedTrainLoop else data
    loop_type(runner, DataLoader(endless), **training).run()
    cfg = Config(
        {"train_cfg": {"type": loop_type, **training}, "val_dataloader": {"batch_size": 1}}
    )
    assert _schedule(cfg, BATCHES) == (len(trained), len(validated))
    assert _schedule(Config({"train_cfg": cfg.train_cfg}), BATCHES) == (len(trained), 0)
