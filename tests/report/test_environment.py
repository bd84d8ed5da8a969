"""The environment of a training, from its log, and the weights that it began with."""

import pytest
from mmengine.config import Config

from msa_backbone.backbones.vgg_weights import WEIGHTS_KEY
from msa_backbone.report.environment import start_of_training, training_environment


def test_the_environment_of_the_training_is_in_its_log(tmp_path):
    for name, version in (("20260101_000000", "2.6.0"), ("20260102_000000", "2.9.0")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.log").write_text(
            "2026/01/01 - mmengine - INFO - \n" + "-" * 60 + "\nSystem environment:\n"
            f"    sys.platform: linux\n    PyTorch: {version}\n    PyTorch compiling details: x\n"
            "  - GCC 13.3: y\n\n    GPU 0: NVIDIA <H100>\n\nRuntime environment:\n    seed: 0\n"
            + "-"
            * 60
        )
    found = training_environment(tmp_path)
    assert found["PyTorch"] == "2.9.0" and found["GPU 0"] == "NVIDIA <H100>"
    assert "seed" not in found and "GCC 13.3" not in found
    assert training_environment(tmp_path / "nowhere") == {}


PRETRAINED = {"type": "Pretrained", "checkpoint": "vgg.pth"}
TAKEN = "vgg.pth: 96 of 96 tensors loaded; attention included"


@pytest.mark.parametrize(
    ("taken", "backbone", "options", "said"),
    [
        (TAKEN, PRETRAINED, {}, TAKEN),
        (TAKEN, PRETRAINED, {"load_from": "epoch_1.pth", "resume": True}, TAKEN),
        (TAKEN, PRETRAINED, {"load_from": "coco.pth"}, "coco.pth, the whole model"),
        (None, PRETRAINED, {}, "vgg.pth, what was taken is not recorded"),
        (None, None, {}, "random weights"),
    ],
)
def test_the_weights_that_a_training_began_with(taken, backbone, options, said):
    runtime = {"iter": 3} if taken is None else {"iter": 3, WEIGHTS_KEY: taken}
    cfg = Config({"model": {"backbone": {"init_cfg": backbone}}, **options})
    assert start_of_training({"message_hub": {"runtime_info": runtime}}, cfg) == said
    without = start_of_training({}, Config({"model": {"backbone": {}, "pretrained": "r.pth"}}))
    assert without == "r.pth, what was taken is not recorded"
