"""What is found wrong with a run before it begins."""

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModule
from torch import nn

from msa_backbone import MSAVGG
from msa_backbone.config.rehearse import (
    check_checkpoint,
    check_data_files,
    check_hooks,
    check_pretrained,
)


class Backbone(BaseModule):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)


class Converting(Backbone):
    def init_weights(self) -> None:
        """Translates names of its own kind."""


@pytest.mark.parametrize(
    ("name", "prefix", "message"),
    [
        ("stem.weight", None, None),
        ("module.stem.weight", None, None),
        ("backbone.stem.weight", "backbone", None),
        ("backbone.stem.weight", "backbone.", None),
        ("backbone.stem.weight", None, "like 'stem.weight': the file has them behind 'backbone.'"),
        ("backbone.stem.weight", "net", "like 'net.stem.weight': the file .* behind 'backbone.'"),
        ("conv1.weight", None, "match no key of Backbone, .* give weights of this network$"),
    ],
)
def test_weights_that_mmengine_would_not_load_are_refused(name, prefix, message, tmp_path):
    file = str(tmp_path / "weights.pth")
    torch.save({"state_dict": {name: torch.ones(1)}}, file)
    check_pretrained(Converting(), file, prefix)
    if message is None:
        check_pretrained(Backbone(), file, prefix)
        return
    with pytest.raises(ValueError, match=message):
        check_pretrained(Backbone(), file, prefix)


@pytest.mark.parametrize(
    ("train_cfg", "attention", "message"),
    [
        ({"max_epochs": 3}, True, None),
        ({"max_epochs": 2}, True, "unfreeze_at=2 .* less than its 2 epochs"),
        ({"type": "IterBasedTrainLoop", "max_iters": 9}, True, "give it by_epoch=False"),
        ({"max_epochs": 3}, False, "needs an MSAVGG with attention"),
    ],
)
def test_hooks_that_do_not_fit_are_refused_before_the_run(train_cfg, attention, message):
    hooks = [{"type": "EMAHook"}, {"type": "ProgressiveAttentionHook", "unfreeze_at": 2}]
    cfg = Config({"custom_hooks": hooks, "train_cfg": train_cfg})
    model = MSAVGG(depth=11, base_channels=16, **({} if attention else {"attention": None}))
    if message is None:
        check_hooks(cfg, model)
        return
    with pytest.raises(ValueError, match=message):
        check_hooks(cfg, model)


def test_a_root_that_does_not_exist_is_named(tmp_path):
    """CUB's and ImageNet's datasets find all by themselves, below their root."""
    dataset = {"type": "CUB", "data_root": str(tmp_path), "split": "train"}
    cfg = Config({"train_dataloader": {"dataset": dataset}})
    check_data_files(cfg, "train_dataloader")
    cfg.train_dataloader.dataset.data_root = str(tmp_path / "CUB_200_2011")
    with pytest.raises(ValueError, match=r"CUB_200_2011 does not exist, .* --data ROOT"):
        check_data_files(cfg, "train_dataloader")


@pytest.mark.parametrize("kind", ["CIFAR10", "mmpretrain.MNIST", "class"])
def test_data_that_download_themselves_may_be_missing(kind, tmp_path):
    datasets = pytest.importorskip("mmpretrain.datasets")
    kind = datasets.CIFAR100 if kind == "class" else kind
    dataset = {"type": kind, "data_prefix": str(tmp_path / "cifar10")}
    wrapped = {"type": "RepeatDataset", "times": 2, "dataset": dataset}
    cfg = Config({"default_scope": "mmpretrain", "train_dataloader": {"dataset": wrapped}})
    check_data_files(cfg, "train_dataloader")
    cfg.train_dataloader.dataset.dataset.download = False
    with pytest.raises(ValueError, match="cifar10 does not exist"):
        check_data_files(cfg, "train_dataloader")


def test_a_checkpoint_of_another_input_is_refused(tmp_path):
    """One network, two configs that feed it differently: all its tensors fit both."""
    trained, other = (
        Config({"model": {"data_preprocessor": {"type": "DetDataPreprocessor", "bgr_to_rgb": rgb}}})
        for rgb in (True, False)
    )
    model, file = Backbone(), str(tmp_path / "epoch_1.pth")
    torch.save({"state_dict": model.state_dict(), "meta": {"cfg": trained.pretty_text}}, file)
    check_checkpoint(model, trained, file, None)
    with pytest.raises(ValueError, match=r"epoch_1.pth was trained on pictures with bgr_to_rgb=Tr"):
        check_checkpoint(model, other, file, None)
