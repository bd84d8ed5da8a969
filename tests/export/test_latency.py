"""What `latency` compares: VGG with attention and without."""

import pytest

pytest.importorskip("mmdet")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
from exported_models import small_config

from msa_backbone.export.latency import variant


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("fcn", {"model.backbone.attention": None}, "has no MSAVGG with attention"),
        ("fcn", {"model.backbone.type": "ResNet"}, "has no MSAVGG with attention"),
        ("cameras-unet", {}, "has no MSAVGG with attention"),
    ],
)
@pytest.mark.parametrize("name", ["plain", "ours"])
def test_configs_without_our_attention_are_refused(name, kind, options, reason, tmp_path):
    cfg = small_config(kind)
    cfg.merge_from_dict(options)
    with pytest.raises(ValueError, match=reason):
        variant(cfg, name, (64, 64), tmp_path)


def test_pipelines_that_would_not_take_the_size_are_refused(tmp_path):
    cfg = small_config("classifier")
    pipeline = cfg.test_dataloader.dataset.pipeline
    cfg.test_dataloader.dataset.pipeline = [step for step in pipeline if step.type != "Resize"]
    with pytest.raises(ValueError, match="its test pipeline has no Resize"):
        variant(cfg, "ours", (64, 64), tmp_path)
