"""The box head of VGG16."""

import copy
import importlib
import pickle
from pathlib import Path

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from references import stage_outputs, vgg_features
from torch import nn

import msa_backbone  # noqa: F401  (serves mmcv's operators)


@pytest.fixture(scope="module")
def mmdet():
    pytest.importorskip("mmcv")
    pytest.importorskip("mmdet.models")
    return importlib.import_module("mmdet")


def build_head(**options) -> nn.Module:
    from mmdet.registry import MODELS

    cfg = {"type": "VGGBBoxHead", "in_channels": 4, "fc_out_channels": 16, "num_classes": 3}
    with DefaultScope.overwrite_default_scope("mmdet"):  # a run in this process leaves its own
        return MODELS.build({**cfg, **options})


def classifier_file(path: Path, prefix: str = "", **shapes) -> dict[str, torch.Tensor]:
    shapes = {"classifier.0": (16, 196), "classifier.3": (16, 16), **shapes}
    state = {}
    for name, shape in shapes.items():
        state |= {
            f"{prefix}{name}.weight": torch.randn(shape),
            f"{prefix}{name}.bias": torch.rand(16),
        }
    torch.save(state, path)
    return state


def pretrained(path: Path) -> dict:
    return {"type": "Pretrained", "checkpoint": str(path)}


@pytest.fixture
def log(mmdet, monkeypatch) -> list[str]:
    lines = []

    def info(text: str) -> None:
        if text.startswith("VGGBBoxHead"):  # mmengine tells of every layer
            lines.append(text)

    monkeypatch.setattr(MMLogger.get_current_instance(), "info", info)
    return lines


@pytest.mark.parametrize("prefix", ["", "backbone."])
def test_shared_layers_come_from_the_classifier(prefix, log, tmp_path):
    state = classifier_file(tmp_path / "vgg.pth", prefix)
    head = build_head(init_cfg=pretrained(tmp_path / "vgg.pth"))
    head.init_weights()
    for layer, name in zip(head.shared_fcs, ("classifier.0", "classifier.3"), strict=True):
        assert torch.equal(layer.weight, state[f"{prefix}{name}.weight"])
        assert torch.equal(layer.bias, state[f"{prefix}{name}.bias"])
    assert log == ["VGGBBoxHead: fc6 and fc7 loaded from classifier.{0,3}"]
    # mmdet's own initialisation stays for the predictors.
    assert head.fc_cls.weight.std().item() == pytest.approx(0.01, rel=0.5)
    assert head.fc_reg.weight.std().item() == pytest.approx(0.001, rel=0.5)
    nn.init.ones_(head.shared_fcs[0].weight)
    head.init_weights()
    assert head.shared_fcs[0].weight.eq(1).all()


def test_a_list_may_have_a_checkpoint_and_other_starts(log, tmp_path):
    state = classifier_file(tmp_path / "vgg.pth")
    constant = {"type": "Constant", "val": 0.25, "override": {"name": "fc_cls"}}
    head = build_head(init_cfg=[pretrained(tmp_path / "vgg.pth"), constant])
    head.init_weights()
    assert torch.equal(head.shared_fcs[0].weight, state["classifier.0.weight"])
    assert (head.fc_cls.weight == 0.25).all() and len(log) == 1
    alone = build_head(init_cfg=[pretrained(tmp_path / "vgg.pth")])
    assert alone.init_cfg == build_head().init_cfg  # mmdet's


def test_scores_are_vggs_hidden_layers(log, tmp_path):
    state = classifier_file(tmp_path / "vgg.pth")
    head = build_head(init_cfg=pretrained(tmp_path / "vgg.pth")).eval()
    head.init_weights()
    x = torch.rand(5, 4, 7, 7)
    hidden = x.flatten(1)
    for name in ("classifier.0", "classifier.3"):
        hidden = (hidden @ state[f"{name}.weight"].T + state[f"{name}.bias"]).relu()
    scores, boxes = head(x)
    assert scores.shape == (5, 4) and boxes.shape == (5, 12)
    assert torch.allclose(scores, head.fc_cls(hidden), atol=1e-5)
    assert torch.allclose(boxes, head.fc_reg(hidden), atol=1e-5)


@pytest.mark.parametrize("kept", [[], ["classifier.0"], ["classifier.3"]])
def test_a_file_without_classifier_leaves_both_layers_random_and_says_so(kept, log, tmp_path):
    state = classifier_file(tmp_path / "vgg.pth")
    state = {n: t for n, t in state.items() if n.rsplit(".", 1)[0] in kept}
    torch.save({"features.0.weight": torch.ones(1), **state}, tmp_path / "vgg.pth")
    head = build_head(init_cfg=pretrained(tmp_path / "vgg.pth"))
    head.init_weights()
    assert len(log) == 1 and "fc6 and fc7 start random" in log[0]
    for layer in head.shared_fcs:
        assert not any(torch.equal(layer.weight, t) for t in state.values())


@pytest.mark.parametrize(
    ("shapes", "name"),
    [({"classifier.0": (16, 100)}, "classifier.0"), ({"classifier.3": (16, 8)}, "classifier.3")],
)
def test_another_shape_is_an_error_and_nothing_is_copied(shapes, name, log, tmp_path):
    state = classifier_file(tmp_path / "vgg.pth", **shapes)
    head = build_head(init_cfg=pretrained(tmp_path / "vgg.pth"))
    with pytest.raises(ValueError, match=rf"{name}.weight has shape .*roi_feat_size=7") as caught:
        head.init_weights()
    assert "\n" not in str(caught.value)
    assert not torch.equal(head.shared_fcs[0].weight, state["classifier.0.weight"])


def test_dropout_acts_in_training_only_and_other_init_cfg_is_mmdets(mmdet):
    torch.manual_seed(0)  # a tenth of 16 channels may be none
    head, x = build_head(dropout=0.9), torch.rand(4, 4, 7, 7)
    head.init_weights()
    assert not torch.equal(head.train()(x)[0], head(x)[0])
    head.eval()
    assert torch.equal(head(x)[0], head(x)[0])
    constant = build_head(init_cfg={"type": "Constant", "val": 0.5, "layer": "Linear"})
    constant.init_weights()
    assert constant.shared_fcs[0].weight.eq(0.5).all()
    for twin in (copy.deepcopy(head), pickle.loads(pickle.dumps(head))):
        assert torch.equal(twin(x)[0], head(x)[0])


def test_a_faster_rcnn_starts_as_vgg_and_trains(mmdet, tmp_path):
    from mmdet.registry import MODELS
    from mmdet.structures import DetDataSample
    from mmengine.config import Config
    from mmengine.registry import DefaultScope
    from mmengine.structures import InstanceData

    base = Path(mmdet.__file__).parent / ".mim/configs/_base_/models/faster-rcnn_r50_fpn.py"
    features = vgg_features(16, narrow=4)
    torch.save({f"features.{n}": t for n, t in features.state_dict().items()}, tmp_path / "v.pth")
    cfg = Config.fromfile(base).model
    cfg.backbone = {
        "type": "MSAVGG",
        "base_channels": 16,
        "init_cfg": pretrained(tmp_path / "v.pth"),
    }
    cfg.neck.update(in_channels=[16, 32, 64, 128, 128], out_channels=16)
    cfg.rpn_head.update(in_channels=16, feat_channels=16)
    cfg.rpn_head.anchor_generator.strides = [2, 4, 8, 16, 32]
    cfg.roi_head.bbox_roi_extractor.update(out_channels=16, featmap_strides=[2, 4, 8, 16])
    cfg.roi_head.bbox_head.update(
        type="VGGBBoxHead", in_channels=16, fc_out_channels=16, num_classes=2
    )
    cfg.init_cfg = {"type": "Kaiming", "layer": "Conv2d"}
    with DefaultScope.overwrite_default_scope("mmdet"):
        detector = MODELS.build(cfg)
    detector.init_weights()
    x = torch.randn(1, 3, 64, 64)
    for y, expected in zip(detector.backbone(x), stage_outputs(features, x), strict=True):
        assert torch.equal(y, expected)
    sample = DetDataSample(metainfo={"img_shape": (64, 64), "pad_shape": (64, 64)})
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[8.0, 8, 40, 48]]), labels=torch.tensor([1])
    )
    losses = detector.train().loss(x, [sample])
    total = sum(sum(v) if isinstance(v, list) else v for k, v in losses.items() if "loss" in k)
    total.backward()
    assert total.isfinite()
    for name, parameter in detector.backbone.attentions.named_parameters():
        assert parameter.grad is not None
        assert bool(parameter.grad.any()) == ("fusion_conv" in name), name
