"""Cameras switched off for a test: what is loaded, what the network is given, what is refused."""

import shutil
from pathlib import Path

import pytest
import torch

pytest.importorskip("mmdet")
pytest.importorskip("sklearn")

from mmengine.registry import DATASETS, MODELS, DefaultScope

from msa_backbone.config.load import load_config
from msa_backbone.config.modalities.sensors import switch_sensors
from msa_backbone.config.user_data import use_data
from msa_backbone.data.demo.pairs import make_demo_pairs

CONFIGS = Path(__file__).parents[3] / "configs"
DETECTOR = CONFIGS / "multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py"


@pytest.fixture
def root(tmp_path) -> Path:
    return make_demo_pairs(tmp_path / "pairs", 3, 2, image_size=64) / "coco"


def inputs_of(root: Path, tmp_path: Path, sensors=None, black=()) -> tuple[torch.Tensor, list[str]]:
    """The network's input for the first validation pair, and the lines for the user."""
    cfg = load_config(str(DETECTOR), str(tmp_path / "work"), {})
    lines = switch_sensors(cfg, sensors, black)
    lines += use_data(cfg, str(root)).lines
    with DefaultScope.overwrite_default_scope("mmdet"):
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
        preprocessor = MODELS.build(cfg.model.data_preprocessor)
        item = dataset[0]
        batch = {key: [item[key]] for key in ("inputs", "data_samples")}
        return preprocessor(batch, training=False)["inputs"], lines


def test_what_the_network_is_given(root, tmp_path):
    both, lines = inputs_of(root, tmp_path)
    assert not any(line.startswith("Sensors") for line in lines)
    assert both[:, :3].std() > 0.1 and both[:, 3:].std() > 0.1
    seen, (line, *_) = inputs_of(root, tmp_path, ["visible"])
    assert line == "Sensors: visible on, infrared absent"
    assert torch.equal(seen[:, :3], both[:, :3]) and not seen[:, 3:].any()
    seen, (line, *_) = inputs_of(root, tmp_path, ["infrared"])
    assert line == "Sensors: visible absent, infrared on"
    assert not seen[:, :3].any() and torch.equal(seen[:, 3:], both[:, 3:])
    seen, (line, *_) = inputs_of(root, tmp_path, None, ["infrared"])
    assert line == "Sensors: visible on, infrared black"
    assert torch.equal(seen[:, :3], both[:, :3])
    assert torch.allclose(seen[:, 3:], torch.tensor(-38.0 / 45.0))  # (0 - mean) / std


def test_a_camera_that_the_config_has_off_stays_off(tmp_path):
    cfg = load_config(str(DETECTOR), str(tmp_path / "work"), {})
    switch_sensors(cfg, ["visible"])
    assert switch_sensors(cfg, None, ["visible"]) == ["Sensors: visible black, infrared absent"]
    assert cfg.model.data_preprocessor.absent == ["infrared"]
    with pytest.raises(ValueError, match="--black infrared: name it in --sensors too"):
        switch_sensors(cfg, None, ["infrared"])


def test_the_files_of_an_absent_camera_need_not_be_there(root, tmp_path):
    both, _ = inputs_of(root, tmp_path)
    shutil.rmtree(root / "infrared")
    seen, lines = inputs_of(root, tmp_path, ["visible"])
    assert "  1 modality: visible in visible/, 3 channels" in lines
    assert not any("pictures with" in line for line in lines)
    assert torch.equal(seen[:, :3], both[:, :3]) and not seen[:, 3:].any()


@pytest.mark.parametrize(
    ("sensors", "black", "match"),
    [
        (["thermal"], (), "--sensors thermal: choose from visible, infrared"),
        (None, ["depth"], "--black depth: choose from visible, infrared"),
        (["visible"], ["infrared"], "--black infrared: name it in --sensors too"),
    ],
)
def test_what_does_not_fit_is_refused(sensors, black, match):
    cfg = load_config(str(DETECTOR), None, {})
    with pytest.raises(ValueError, match=match):
        switch_sensors(cfg, sensors, black)


def test_other_configs_have_nothing_to_switch():
    cfg = load_config(
        str(CONFIGS / "detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py"), None, {}
    )
    assert switch_sensors(cfg) == []
    with pytest.raises(ValueError, match="this one has a single camera"):
        switch_sensors(cfg, ["visible"])
    cfg = load_config(str(CONFIGS / "ablation/cameras/visible.py"), None, {})
    with pytest.raises(ValueError, match="trained on visible alone"):
        switch_sensors(cfg, ["visible"])
