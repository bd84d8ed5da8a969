"""Parameters and FLOPs of whole models, against arithmetic written out; the metafiles' figures."""

import copy
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.registry import MODELS, init_default_scope

from msa_backbone.config_nodes import find_nodes
from msa_backbone.costs.whole_models import whole_model

ROOT = Path(__file__).parents[2]


def load(name: str) -> Config:
    return Config.fromfile(ROOT / "configs" / name)


def test_a_segmenter_is_the_sum_of_its_convolutions():
    pytest.importorskip("mmseg")
    cfg = load("segmentation/unet_vgg16-caffe_1xb2-1k_camvid-128x128.py")
    init_default_scope("mmseg")
    cfg.model.backbone.init_cfg = None
    model, flops = MODELS.build(cfg.model).eval(), 0

    def add(conv: torch.nn.Conv2d, inputs: tuple, y: torch.Tensor) -> None:
        nonlocal flops
        flops += 2 * y.numel() * conv.in_channels * conv.kernel_size[0] * conv.kernel_size[1]

    for part in model.modules():
        if isinstance(part, torch.nn.Conv2d):
            part.register_forward_hook(add)
    with torch.no_grad():
        model(torch.randn(1, 3, 64, 96))
    parameters = sum(p.numel() for p in model.parameters())
    assert whole_model(cfg, (64, 96)) == (parameters, flops)


def test_a_second_stage_counts_every_proposal():
    pytest.importorskip("mmdet")
    cfg = load("detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py")
    more, before = copy.deepcopy(cfg), copy.deepcopy(cfg)
    more.model.test_cfg.rpn.max_per_img += 10
    found = whole_model(cfg, (256, 256))
    assert cfg.to_dict() == before.to_dict()
    layers = 64 * 7 * 7 * 256 + 256 * 256 + 256 * (10 + 1) + 256 * 10 * 4
    assert whole_model(more, (256, 256)) == (found[0], found[1] + 10 * 2 * layers)


@pytest.mark.parametrize("stage", ["rpn", "rcnn"])
def test_of_a_second_stage_without_a_bound_only_parameters_are_told(stage):
    pytest.importorskip("mmdet")
    cfg = load("detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py")
    parameters, _ = whole_model(cfg, (64, 64))
    cfg.model.test_cfg[stage].max_per_img = -1  # mmdet's "all"
    assert whole_model(cfg, (64, 64)) == (parameters, None)


def test_the_default_cameras_of_a_backbone_are_counted():
    pytest.importorskip("mmdet")
    cfg = load("multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py")
    told = whole_model(cfg, (64, 64))
    assert cfg.model.backbone.pop("in_channels") == (3, 1)  # MultiModalMSAVGG's default
    assert whole_model(cfg, (64, 64)) == told and told[1] > 0


def test_of_parts_that_are_not_known_only_parameters_are_told():
    pytest.importorskip("mmdet")
    cfg = load("detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py")
    extractor = cfg.model.roi_head.bbox_roi_extractor
    head = {**cfg.model.roi_head.bbox_head, "fc_out_channels": 8}
    assert whole_model(cfg, (64, 64))[1] > 0
    cfg.model.type = "CascadeRCNN"
    cfg.model.roi_head = {
        "type": "CascadeRoIHead", "num_stages": 2, "stage_loss_weights": [1, 0.5],
        "bbox_roi_extractor": extractor, "bbox_head": [head, head],
    }  # fmt: skip
    cfg.model.train_cfg.rcnn = [cfg.model.train_cfg.rcnn] * 2
    parameters, flops = whole_model(cfg, (64, 64))
    assert parameters > 10**6 and flops is None


def test_of_a_detector_with_an_encoder_the_backbone_is_not_taken_for_the_whole():
    pytest.importorskip("mmdet")
    cfg = get_config("mmdet::detr/detr_r50_8xb2-150e_coco.py")
    cfg.model.backbone = {"type": "MSAVGG", "base_channels": 16, "out_indices": (4,)}
    cfg.model.neck.in_channels = [128]
    parameters, flops = whole_model(cfg, (64, 64))
    assert parameters > 10**6 and flops is None


@pytest.mark.slow
def test_the_metafiles_tell_what_is_counted():
    modelindex = pytest.importorskip("modelindex")
    for toolbox in ("mmdet", "mmseg", "mmpretrain", "tokenizers"):
        pytest.importorskip(toolbox)
    from msa_backbone.language import train_vocabulary

    for model in modelindex.load(str(ROOT / "model-index.yml")).models:
        cfg = Config.fromfile(ROOT / model.config)
        if "vocabulary" in cfg.model:
            cfg.model.vocabulary, cfg.model.answers = train_vocabulary(["a"]), ["a"]
        if cfg.model.type == "MSACaptioner":
            cfg.model.pop("answers")
        named = re.search(r"(\d+)x(\d+)$", model.name)
        if named:
            width, height = map(int, named.groups())
        else:
            width, height = find_nodes(cfg.test_dataloader, "Resize")[0].scale
        parameters, flops = whole_model(cfg, (height, width))
        told = model.metadata
        assert told.flops == flops, model.name
        assert told.parameters == (None if "vocabulary" in cfg.model else parameters), model.name
