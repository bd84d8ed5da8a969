"""Models of the toolboxes that count their classes in ways of their own."""

from pathlib import Path

import pytest
from mmengine.config import Config

from msa_backbone.config.classes import set_num_classes


def stock(toolbox: str, config: str) -> Config:
    folder = Path(pytest.importorskip(toolbox).__file__).parent
    return Config.fromfile(folder / ".mim/configs" / config)


def test_mask2former_counts_things():
    cfg = stock("mmdet", "mask2former/mask2former_r50_8xb2-lsj-50e_coco.py")
    set_num_classes(cfg.model, 3)
    head = cfg.model.panoptic_head
    assert (head.num_things_classes, head.num_stuff_classes) == (3, 0)
    assert head.loss_cls.class_weight == [1.0, 1.0, 1.0, 0.1]
    assert cfg.model.panoptic_fusion_head.num_things_classes == 3


def test_stuff_has_no_boxes():
    cfg = stock("mmdet", "mask2former/mask2former_r50_8xb2-lsj-50e_coco-panoptic.py")
    set_num_classes(cfg.model, 133)  # as its own checkpoints have them
    assert cfg.model.panoptic_head.num_things_classes == 80
    with pytest.raises(ValueError, match=r"panoptic, with 53 classes of stuff, and the data has 3"):
        set_num_classes(cfg.model, 3)


def test_stdc_s_head_for_borders_keeps_its_classes():
    cfg = stock("mmseg", "_base_/models/stdc.py")
    set_num_classes(cfg.model, 3)
    assert cfg.model.decode_head.num_classes == 3
    assert [head.num_classes for head in cfg.model.auxiliary_head] == [3, 3, 2]


def test_an_auxiliary_head_that_was_forgotten_follows():
    cfg = stock("mmseg", "_base_/models/fcn_r50-d8.py")
    cfg.model.decode_head.num_classes = 2
    set_num_classes(cfg.model, 25)
    assert cfg.model.decode_head.num_classes == cfg.model.auxiliary_head.num_classes == 25


def test_an_only_auxiliary_head_follows():
    cfg = stock("mmseg", "_base_/models/fcn_r50-d8.py")
    set_num_classes(cfg.model, 3)
    assert cfg.model.decode_head.num_classes == cfg.model.auxiliary_head.num_classes == 3
